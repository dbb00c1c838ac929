// SPDX-License-Identifier: MIT
'use strict';
require('./telemetry');
const fastify = require('fastify')({ logger: false });
const { processOrder } = require('./order-processor-core');

fastify.post('/orders', async (req) => processOrder(req.body));
fastify
  .listen({ port: Number(process.env.PORT || 8001), host: process.env.HOST || '0.0.0.0' })
  .then(() => console.log('order-processor is listening'), (e) => { console.error(e); process.exit(1); });
