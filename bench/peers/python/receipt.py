# SPDX-License-Identifier: MIT
"""receipt: POST /orders -> blob order-<orderId>.json.  gunicorn -b 127.0.0.1:8002 receipt:app"""
import json
import os

import telemetry

telemetry.setup()

from azure.storage.blob import BlobServiceClient  # noqa: E402
from flask import Flask, jsonify, request  # noqa: E402
from opentelemetry import trace  # noqa: E402

app = Flask(__name__)
tracer = trace.get_tracer(__name__)


container = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"]).get_container_client(
    os.environ["STORAGE_ACCOUNT_CONTAINER_NAME"])


@app.post("/orders")
def orders():
    order = request.json
    text = json.dumps(order)
    print("Order received : " + text, flush=True)
    with tracer.start_as_current_span("order") as span:
        span.set_attribute("order.id", order.get("orderId", "unknown"))
        container.get_blob_client(f"order-{order['orderId']}.json").upload_blob(data=text, overwrite=True)
    return jsonify(success=True)
