// SPDX-License-Identifier: MIT
'use strict';
require('./telemetry');
const fastify = require('fastify')({ logger: false });
const { storeReceipt } = require('./receipt-core');

fastify.post('/orders', async (req) => storeReceipt(req.body));
fastify
  .listen({ port: Number(process.env.PORT || 8002), host: process.env.HOST || '0.0.0.0' })
  .then(() => console.log('receipt is listening'), (e) => { console.error(e); process.exit(1); });
