// SPDX-License-Identifier: MIT
'use strict';
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

// POST a JSON body to http://<host>/orders and resolve with { status, body }.
function postOrder(host, body) {
  return new Promise((resolve, reject) => {
    const [hostname, port] = host.split(':');
    const req = http.request(
      {
        agent, hostname, port: port || 80, path: '/orders', method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (res) => {
        let data = '';
        res.setEncoding('utf8');
        res.on('data', (d) => { data += d; });
        res.on('end', () => resolve({ status: res.statusCode, body: data }));
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}
module.exports = { postOrder };
