// SPDX-License-Identifier: MIT
// Azure's own JavaScript SDK on a container, with a token: what the services wrote is read by a client that is not ours.
//
//   TOKEN=… node blobs.mjs PACKAGE_JSON ENDPOINT CONTAINER create|read
//
// `read` prints a JSON object: name → {text, type, md5}.
import { createRequire } from "node:module";

const [packageJson, endpoint, container, command] = process.argv.slice(2);
const { BlobServiceClient } = createRequire(packageJson)("@azure/storage-blob");
const credential = { getToken: async () => ({ token: process.env.TOKEN, expiresOnTimestamp: Date.now() + 3600e3 }) };
const client = new BlobServiceClient(endpoint, credential).getContainerClient(container);

if (command === "create") {
  await client.create();
} else if (command === "read") {
  const found = {};
  for await (const blob of client.listBlobsFlat()) {
    const answer = await client.getBlobClient(blob.name).download();
    const chunks = [];
    for await (const chunk of answer.readableStreamBody) chunks.push(chunk);
    found[blob.name] = { text: Buffer.concat(chunks).toString("utf8"), type: answer.contentType, md5: Buffer.from(answer.contentMD5 ?? []).toString("base64") };
  }
  console.log(JSON.stringify(found));
} else {
  console.error(`no command ${command}`);
  process.exitCode = 2;
}
