// SPDX-License-Identifier: MIT
// What Node's HTTP server reads from the same bytes; used by node_differential_test.cc.
// In: one line a connection, base64 of the bytes that a client sends. Out: one line each, {"requests": [{method, target, minor, fields, body}], "refused"}.
import http from "node:http";
import net from "node:net";
import readline from "node:readline";

// One connection at a time: what the server reads belongs to the line that is being served.
let seen = null;

const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
  const chunks = [];
  const of = seen;
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const fields = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) fields.push([request.rawHeaders[i].toLowerCase(), request.rawHeaders[i + 1]]);
    of.requests.push({ method: request.method, target: request.url, minor: request.httpVersionMinor, fields, body: Buffer.concat(chunks).toString("latin1") });
    response.end("ok");
  });
});
server.on("clientError", (error, socket) => {
  seen.refused = true;
  socket.destroy();
});
server.on("connect", (request, socket) => {
  seen.refused = true;
  socket.destroy();
});
// Without a listener a request to upgrade is an ordinary one, as it is for us.

function serve(bytes) {
  return new Promise((resolve) => {
    const result = (seen = { requests: [], refused: false });
    const socket = net.connect(server.address().port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (data) => {
      if (/^HTTP\/1\.1 (4|5)\d\d /m.test(data.toString("latin1"))) result.refused = true;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(result));
  });
}

server.listen(0, "127.0.0.1", async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await serve(Buffer.from(line, "base64"))));
  }
  server.close();
});
