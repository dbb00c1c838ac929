// SPDX-License-Identifier: MIT
'use strict';
const { trace, SpanStatusCode } = require('@opentelemetry/api');
const { containerClient } = require('./blob-store');
const tracer = trace.getTracer('receipt');
const container = containerClient();

async function storeReceipt(order) {
  const text = JSON.stringify(order);
  console.log('Order received : ' + text);
  await tracer.startActiveSpan('order', async (span) => {
    try {
      span.setAttribute('order.id', order.orderId ?? 'unknown');
      const blob = container.getBlockBlobClient(`order-${order.orderId}.json`);
      await blob.upload(text, Buffer.byteLength(text));
    } catch (e) {
      span.recordException(e);
      span.setStatus({ code: SpanStatusCode.ERROR, message: e.message });
      throw e;
    } finally {
      span.end();
    }
  });
  return { success: true };
}
module.exports = { storeReceipt };
