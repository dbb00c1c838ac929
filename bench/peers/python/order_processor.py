# SPDX-License-Identifier: MIT
"""order-processor: POST /orders -> receipt.  gunicorn -b 127.0.0.1:8001 order_processor:app"""
import json
import os

import telemetry

telemetry.setup()

import requests  # noqa: E402  (after the instrumentation)
from flask import Flask, jsonify, request  # noqa: E402
from opentelemetry import trace  # noqa: E402

app = Flask(__name__)
tracer = trace.get_tracer(__name__)
session = requests.Session()  # the original opens a connection per order; a session is the better peer
session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=64, pool_maxsize=64))
receipt = os.getenv("SERVICE_RECEIPT_API_NAME", "127.0.0.1:8002")


@app.post("/orders")
def orders():
    order = request.json
    text = json.dumps(order)
    print("Order received : " + text, flush=True)
    with tracer.start_as_current_span("order") as span:
        span.set_attribute("order.id", order.get("orderId", "unknown"))
        result = session.post(f"http://{receipt}/orders", data=text, headers={"content-type": "application/json"})
    print(f"Request was sent to receipt: result = {result.status_code}", flush=True)
    if result.status_code != 200:
        return jsonify(success=False, error=f"receipt answered {result.status_code}"), 502
    return jsonify(success=True)
