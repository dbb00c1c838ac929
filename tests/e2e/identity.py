#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Receipts by a managed identity: a real Azurite over TLS that wants tokens, an identity endpoint as Container Apps has one, and the
official JavaScript SDK to read what was written."""

import base64
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse

from support import ROOT, Checks, Process, System, blobs, default_programs, environment_without, http as request, run, skip_all, wait_until, work_directory
from system.whole import Azurite

_CLIENT_ID = "11111111-2222-3333-4444-555555555555"
_SECRET = "header-of-the-platform"
_AUDIENCE = "https://storage.azure.com"
_TOOLS = ROOT / "build/npm/tools/package.json"


def token(audience: str = _AUDIENCE, lifetime: int = 3600) -> str:
    """A token as Entra writes them, without a signature: Azurite looks at the claims alone."""
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    now = int(time.time())
    claims = {"aud": audience, "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/", "iat": now, "nbf": now - 5, "exp": now + lifetime}
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


class IdentityEndpoint:
    """What IDENTITY_ENDPOINT is in Container Apps. `answers` are given one after the other, the last one again and again."""

    def __init__(self):
        self.answers: list[tuple[int, dict]] = []
        self.asked: list[dict] = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802  the library's name
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                endpoint.asked.append(query | {"header": self.headers.get("X-IDENTITY-HEADER", "")})
                status, body = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/msi/token"

    @staticmethod
    def gives(value: str) -> tuple[int, dict]:
        return 200, {"access_token": value, "expires_on": str(int(time.time()) + 3600), "resource": _AUDIENCE, "token_type": "Bearer", "client_id": _CLIENT_ID}


class IdentitySystem(System):
    """azmon-local, Azurite over TLS, and receipt with an identity instead of a key."""

    def __init__(self, programs, work, endpoint: IdentityEndpoint):
        super().__init__(programs, work)
        self.endpoint = endpoint
        self.certificate, key = work / "certificate.pem", work / "key.pem"
        subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-x509", "-nodes", "-keyout", str(key), "-out", str(self.certificate), "-sha256", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
        self.azurite = Azurite(work, tls=(self.certificate, key))
        self.storage = f"https://localhost:{self.azurite.port}/{blobs.ACCOUNT}"

    def start(self):
        self.local.start()
        self.azurite.start()
        self.local.wait_ready()
        wait_until(self._answers, 60, "Azurite answers", [self.azurite.process])
        self.start_receipt()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.azurite.port)) == 0

    def start_receipt(self, **variables: str):
        self.start_service("receipt", 8002, 9002, **({
            "AZURE_STORAGE_BLOB_ENDPOINT": self.storage, "IDENTITY_ENDPOINT": self.endpoint.url, "IDENTITY_HEADER": _SECRET,
            "AZURE_CLIENT_ID": _CLIENT_ID, "SSL_CERT_FILE": str(self.certificate)} | variables))
        self.wait_service("receipt")

    def sdk(self, command: str) -> str:
        """The official SDK's view of the container."""
        environment = os.environ | {"TOKEN": token(), "NODE_EXTRA_CA_CERTS": str(self.certificate)}
        return subprocess.run(["node", str(ROOT / "tests/e2e/blobs.mjs"), str(_TOOLS), self.storage, "receipts", command], env=environment, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=120).stdout

    def order(self, order_id: int) -> tuple[int, dict]:
        status, _, body = request("POST", f"{self.url('receipt')}/orders", json.dumps({"orderId": order_id}).encode(), {"Content-Type": "application/json"}, 20)
        return status, json.loads(body or b"{}")


def spans_of(system: System, order_id: int) -> list[dict]:
    """All spans of the trace in which the order's receipt was written, as they came by OTLP."""
    found = system.local.api(f"items?where=customDimensions.order.id={order_id}&where=source=otlp&where=name=write%20receipt")
    return [item for item in system.local.items(found["items"][0]["operation_Id"]) if item["source"] == "otlp"] if found and found["items"] else []


def test(checks: Checks):
    if not shutil.which("openssl"):
        skip_all("no openssl in PATH")
    if not (_TOOLS.parent / "node_modules/@azure/storage-blob").exists():
        skip_all(f"no @azure/storage-blob in {_TOOLS.parent}: ./dev test installs it")
    work = work_directory("identity")
    work.mkdir(parents=True, exist_ok=True)
    endpoint = IdentityEndpoint()
    good = token()
    # The first token is for something else: the storage refuses it, and the second one is fetched for the same call.
    endpoint.answers = [endpoint.gives(token("https://vault.azure.net")), endpoint.gives(good)]
    with IdentitySystem(default_programs(), work, endpoint) as system:
        system.sdk("create")
        orders(checks, system)
        spans(checks, system)
        refusals(checks, system)
        checks.that(not any(secret in system.services["receipt"].output() for secret in (_SECRET, good)), "no secret is in the log")


def orders(checks: Checks, system: IdentitySystem):
    answers = [system.order(order_id) for order_id in range(1, 21)]
    checks.that(all(answer == (200, {"success": True}) for answer in answers), "20 orders have their receipts", str(answers[:3]) + system.services["receipt"].log_end())
    checks.that(system.order(7) == (200, {"success": True}), "the same order again is the same answer")
    asked = system.endpoint.asked
    checks.that(len(asked) == 2, "the identity is asked twice: a refused token is replaced, a good one is kept", str(len(asked)))
    expected = {"api-version": "2019-08-01", "resource": _AUDIENCE, "client_id": _CLIENT_ID, "header": _SECRET}
    checks.that(all(query == expected for query in asked), "it is asked as Container Apps wants it", str(asked))
    found = json.loads(system.sdk("read"))
    checks.that(sorted(found) == sorted(f"order-{order_id}.json" for order_id in range(1, 21)), "the official SDK finds one receipt an order", str(sorted(found)))
    checks.that(all(blob["type"] == "application/json" and json.loads(blob["text"])["orderId"] == int(name[6:-5]) for name, blob in found.items()),
                "they are JSON of their orders", str(list(found.items())[:2]))
    checks.that(all(base64.b64encode(hashlib.md5(blob["text"].encode()).digest()).decode() == blob["md5"] for blob in found.values()), "with their MD5")


def spans(checks: Checks, system: IdentitySystem):
    first = wait_until(lambda: (found := spans_of(system, 1)) and any(span["name"] == "BlobClient.PutBlob" for span in found) and found, 30, "the first order's spans are there")
    put = [span for span in first if span["name"] == "BlobClient.PutBlob"]
    attempts = [span for span in first if span["operation_ParentId"] == put[0]["id"]]
    checks.that(len(put) == 1 and put[0]["success"] and put[0]["customDimensions"].get("az.namespace") == "Microsoft.Storage", "one span a logical call", str(put))
    checks.that([span["resultCode"] for span in sorted(attempts, key=lambda span: span["timestamp"])] == ["403", "201"],
                "one client span an attempt: the refused one and the one with a fresh token", str([(span["name"], span.get("resultCode")) for span in attempts]))
    checks.that(all(span["name"].startswith("PUT") and span["type"].lower().startswith("http") for span in attempts), "attempts are HTTP calls", str([(span["name"], span["type"]) for span in attempts]))
    checks.that(all(put[0]["customDimensions"].get(name) for name in ("az.client_request_id", "az.service_request_id")), "the call carries its own id and the storage's", str(put))


def refusals(checks: Checks, system: IdentitySystem):
    """An identity that is not there, one that nobody configured, and storage in clear text."""
    system.services["receipt"].stop()
    system.endpoint.answers = [(400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.", "correlationId": "c-1"})]
    system.start_receipt()
    status, body = system.order(100)
    checks.that(status == 503 and body.get("code") == "storage_refused", "without a token an order is refused as unavailable", f"{status} {body}")
    found = wait_until(lambda: [span for span in spans_of(system, 100) if span["itemType"] == "exception" and "token" in span["message"]], 30, "its span says why")
    checks.that("managed identity" in found[0]["message"], "the reason is in the trace", found[0]["message"])
    system.services["receipt"].stop()
    for claim, variables, words in (
            ("no identity is a problem of the start", {"IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": ""}, ("IDENTITY_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_STORAGE_CONNECTION_STRING")),
            ("so is one that AZURE_TOKEN_CREDENTIALS rules out", {"AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential"}, ("AZURE_FEDERATED_TOKEN_FILE",)),
            ("and an account in clear text", {"AZURE_STORAGE_BLOB_ENDPOINT": "http://shop.example/"}, ("clear text",))):
        environment = environment_without("AZURE_", "STORAGE_") | {
            "AZURE_STORAGE_BLOB_ENDPOINT": system.storage, "IDENTITY_ENDPOINT": system.endpoint.url, "IDENTITY_HEADER": _SECRET, "PORT": "0", "HEALTH_PORT": "0"} | variables
        receipt = Process("receipt", [str(default_programs() / "receipt")], {name: value for name, value in environment.items() if value}, system.work / "refused.log").start()
        code = receipt.wait(30)
        checks.that(code == 2 and all(word in receipt.output() for word in words), claim, f"{code}: {receipt.log_end()}")


if __name__ == "__main__":
    run(test)
