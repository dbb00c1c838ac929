// SPDX-License-Identifier: MIT
'use strict';
const { trace, SpanStatusCode } = require('@opentelemetry/api');
const { postOrder } = require('./post-json');
const receipt = process.env.SERVICE_RECEIPT_API_NAME || '127.0.0.1:8002';
const tracer = trace.getTracer('order-processor');

async function processOrder(order) {
  const text = JSON.stringify(order);
  console.log('Order received : ' + text);
  const result = await tracer.startActiveSpan('order', async (span) => {
    try {
      span.setAttribute('order.id', order.orderId ?? 'unknown');
      return await postOrder(receipt, text);
    } catch (e) {
      span.recordException(e);
      span.setStatus({ code: SpanStatusCode.ERROR, message: e.message });
      throw e;
    } finally {
      span.end();
    }
  });
  console.log(`Request was sent to receipt: result = ${result.status}`);
  if (result.status !== 200) throw new Error(`receipt answered ${result.status}`);
  return { success: true };
}
module.exports = { processOrder };
