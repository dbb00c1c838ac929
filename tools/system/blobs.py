# SPDX-License-Identifier: MIT
"""Reads blobs from Azurite by the Blob REST API, apart from the services: what they say they wrote is looked up here."""

import base64
import email.utils
import hashlib
import hmac
import json
import urllib.parse

from .processes import http

# Account and key of every Azurite, published by Microsoft for local use: no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = "2021-12-02"


def connection_string(port: int) -> str:
    return (f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};")


def get(port: int, container: str, name: str) -> bytes | None:
    """The blob's bytes, or None where there is no such blob."""
    path = f"/{ACCOUNT}/{container}/{urllib.parse.quote(name)}"
    date = email.utils.formatdate(usegmt=True)
    text = "GET" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{_VERSION}\n/{ACCOUNT}{path}"
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    status, _, body = http("GET", f"http://127.0.0.1:{port}{path}", headers={
        "x-ms-date": date, "x-ms-version": _VERSION, "Authorization": f"SharedKey {ACCOUNT}:{signature}"})
    if status == 200:
        return body
    if status == 404:
        return None
    raise RuntimeError(f"Azurite answered {status} for {name}: {body[:300]!r}")


def receipt_of(port: int, order_id: str) -> dict | None:
    body = get(port, "receipts", f"order-{order_id}.json")
    return None if body is None else json.loads(body)
