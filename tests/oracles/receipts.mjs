// SPDX-License-Identifier: MIT
// Lists and reads every receipt with the official Azure Storage SDK: one line of JSON a blob. Arguments: folder of the packages, container.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.argv[2]}/node_modules/`));
const { BlobServiceClient } = require("@azure/storage-blob");

const container = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING).getContainerClient(process.argv[3]);
for await (const blob of container.listBlobsFlat()) {
  const content = await container.getBlobClient(blob.name).downloadToBuffer();
  console.log(JSON.stringify({
    name: blob.name, type: blob.properties.blobType, contentType: blob.properties.contentType, md5: Buffer.from(blob.properties.contentMD5 ?? "").toString("base64"),
    content: content.toString("base64"),
  }));
}
