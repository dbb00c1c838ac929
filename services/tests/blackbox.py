#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The services' contract, from outside: the built programs against a real Azurite, in good and in bad times.

Spans are looked at where the services end: as Application Insights items of one order, whole, and of an order that failed. What
azmon-local makes of them is the business of tests/e2e. Exit code 77 means skipped, with the reason told.
"""

import concurrent.futures
import gzip
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from faults.proxy import FaultProxy  # noqa: E402
from system import blobs  # noqa: E402
from system.processes import Failure, Process, environment_without, http as call, port, raise_on_signals, say, wait_until  # noqa: E402
from system.whole import Azurite, azurite_missing, default_programs  # noqa: E402

_SKIP = 77
_FOREIGN = ("OTEL_", "OTLP_", "AZMON_", "APPLICATIONINSIGHTS_", "AZURE_", "STORAGE_", "SERVICE_", "TELEMETRY", "ORDER_", "HOST", "PORT",
            "HEALTH_PORT", "TLS_", "LOG_", "ALLOW_UNAUTHENTICATED", "MAX_REQUESTS")
_JSON = {"Content-Type": "application/json"}
_LINE = re.compile(r"order ([A-Za-z0-9-]{1,64}) (?:ok (\d+) ms|failed (\S+)) trace ([0-9a-f]{32})")


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, good, claim: str, details=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
        say(f"{'ok    ' if good else 'FAILED'}  {claim}" + (f"\n        {details}" if details != "" and not good else ""))

    def equal(self, found, expected, claim: str):
        self.that(found == expected, claim, f"expected {expected!r}, found {found!r}")


class Shop:
    """The services of one scenario; all end when it does."""

    def __init__(self, checks: Checks, programs: pathlib.Path, work: pathlib.Path, azurite: Azurite):
        self.checks, self.programs, self.work, self.azurite = checks, programs, work, azurite
        self.started: list[Process] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.signal(signal.SIGCONT) if process.exit_code() is None else None
            process.stop()

    def start(self, name: str, arguments=(), **variables: str) -> Process:
        environment = environment_without(*_FOREIGN) | {"TELEMETRY": "none", "HEALTH_PORT": "0"} | variables
        process = Process(name, [str(self.programs / name), *arguments], environment, self.work / f"{name}-{len(self.started)}.log")
        self.started.append(process)
        return process.start()

    def serve(self, name: str, wait=True, **variables: str) -> tuple[Process, str]:
        """Starts a server and gives it with its URL."""
        chosen = port()
        process = self.start(name, PORT=str(chosen), **variables)
        url = f"http://127.0.0.1:{chosen}"
        if wait:
            wait_until(lambda: call("GET", url + "/healthz", seconds=2)[0] == 200, 30, f"{name} answers", [process])
        return process, url

    def receipt(self, connection_string: str | None = None, **variables: str) -> tuple[Process, str]:
        text = connection_string or blobs.connection_string(self.azurite.port)
        return self.serve("receipt", AZURE_STORAGE_CONNECTION_STRING=text, **variables)

    def order_processor(self, receipt_url: str, **variables: str) -> tuple[Process, str]:
        return self.serve("order-processor", SERVICE_RECEIPT_API_NAME=receipt_url, **variables)

    def stored(self, order_id: str) -> bytes | None:
        return blobs.get(self.azurite.port, "receipts", f"order-{order_id}.json")


def post(url: str, body, headers=None, seconds: float = 10.0):
    """(status, header fields, body) of POST /orders."""
    text = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return call("POST", url + "/orders", text.encode() if isinstance(text, str) else text, _JSON if headers is None else headers, seconds)


def raw(url: str, request: bytes) -> bytes:
    """The answer to bytes as they are, until the server closes or is silent for a second."""
    address = url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), 5) as connection:
        connection.settimeout(3)
        received = b""
        try:
            connection.sendall(request)
            while piece := connection.recv(65536):
                received += piece
        except (TimeoutError, ConnectionError):
            pass
        return received


def is_problem(answer, status: int) -> bool:
    found, headers, body = answer
    fields = {name.lower(): value for name, value in headers.items()}
    if found != status or fields.get("content-type") != "application/problem+json":
        return False
    problem = json.loads(body)
    return problem["status"] == status and bool(problem["title"])


def answers(shop: Shop):
    """The table of requests and answers, on receipt and on order-processor alike."""
    checks = shop.checks
    _, receipt = shop.receipt()
    _, processor = shop.order_processor(receipt)
    for name, url, base in (("receipt", receipt, 1000), ("order-processor", processor, 2000)):
        status, headers, body = post(url, {"orderId": base})
        checks.equal((status, json.loads(body)), (200, {"success": True}), f"{name}: an order is answered with success")
        checks.equal(headers.get("Content-Type"), "application/json", f"{name}: the answer is JSON")
        checks.equal(shop.stored(str(base)), b'{"orderId":%d}' % base, f"{name}: the receipt is stored, canonical")
        checks.equal(post(url, f'{{ "orderId" : "{base}" }}')[0], 200, f"{name}: the same order as a string is the same order")
        checks.that(is_problem(post(url, {"orderId": base, "note": "other"}), 409), f"{name}: the same id with other content is a conflict")
        checks.equal(shop.stored(str(base)), b'{"orderId":%d}' % base, f"{name}: a conflict changes nothing")
        full = {"orderId": f"{name}-1", "lines": [{"unitPriceMinor": 5, "quantity": 1, "sku": "a"}], "currency": "EUR", "zz": 1, "aa": [1.50]}
        checks.equal(post(url, full)[0], 200, f"{name}: a full order is taken")
        checks.equal(shop.stored(f"{name}-1"),
                     b'{"orderId":"%s-1","currency":"EUR","lines":[{"sku":"a","quantity":1,"unitPriceMinor":5}],"aa":[1.5],"zz":1}'
                     % name.encode(), f"{name}: known members first, unknown ones kept")
        checks.equal(post(url, dict(reversed(full.items())))[0], 200, f"{name}: the order of members does not matter")

        for bad in ('{"orderId":0}', '{"orderId":-1}', '{"orderId":1.5}', '{"orderId":9007199254740992}', '{"orderId":""}',
                    '{"orderId":"a/b"}', '{"orderId":null}', "{}", "[]", "", "{", '{"orderId":1}x', '{"orderId":1,"orderId":1}', '\xff',
                    '{"orderId":1,"currency":"eur"}', "[" * 5000):
            answer = post(url, bad)
            checks.that(is_problem(answer, 400), f"{name}: {bad[:40]!r} is refused with 400", answer)
        _, _, body = post(url, '{"orderId":1,"currency":"EUR","lines":[{"quantity":0,"unitPriceMinor":1}]}')
        checks.equal(json.loads(body)["errors"][0]["pointer"], "#/lines/0/quantity", f"{name}: the bad member is named")

        answer = call("GET", url + "/orders")
        checks.that(is_problem(answer, 405) and answer[1].get("Allow") == "POST", f"{name}: another method is refused with 405 and Allow", answer)
        checks.that(is_problem(call("GET", url + "/elsewhere"), 404), f"{name}: another path is 404")
        checks.that(is_problem(post(url, b"x" * 70000), 413), f"{name}: a body that is too large is 413")
        checks.that(is_problem(post(url, {"orderId": 1}, {"Content-Type": "text/plain"}), 415), f"{name}: another media type is 415")
        checks.that(raw(url, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 414 "), f"{name}: a long target is 414")
        checks.that(raw(url, b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 "),
                    f"{name}: large fields are 431")
        checks.that(raw(url, b"POST /orders HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 "), f"{name}: a request without Host is 400")
        checks.equal(call("GET", url + "/livez")[0], 404, f"{name}: health endpoints are not on the service's port")

    checks.equal(call("GET", receipt + "/receipts/1000")[2], b'{"orderId":1000}', "receipt: GET gives the receipt's bytes")
    checks.that(is_problem(call("GET", receipt + "/receipts/999"), 404), "receipt: an unknown receipt is 404")
    checks.equal(json.loads(call("GET", processor + "/orders/2000")[2]), {"orderId": 2000, "state": "completed"},
                 "order-processor: GET gives the order's state")
    checks.that(is_problem(call("GET", processor + "/orders/999"), 404), "order-processor: an unknown order is 404")


def repeats(shop: Shop):
    """One order from many clients at once."""
    _, receipt = shop.receipt()
    _, processor = shop.order_processor(receipt)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda _: post(processor, {"orderId": "many-1", "n": 1}), range(100)))
    shop.checks.equal({(status, body) for status, _, body in same}, {(200, b'{"success":true}')}, "100 repeats from 8 clients have one answer")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        mixed = list(pool.map(lambda n: (n % 4, post(processor, {"orderId": "many-2", "n": n % 4})[0]), range(100)))
    winner = json.loads(shop.stored("many-2"))["n"]
    shop.checks.that(all(status == (200 if n == winner else 409) for n, status in mixed),
                     "of four contents under one id exactly the stored one is a success", sorted(set(mixed)))


def bad_times(shop: Shop):
    """Peers that are down, hang, or come late."""
    checks = shop.checks
    receipt_process, receipt = shop.receipt()
    _, processor = shop.order_processor(receipt)
    checks.equal(post(processor, {"orderId": "bad-1"})[0], 200, "before: an order succeeds")

    shop.azurite.process.signal(signal.SIGSTOP)
    started = time.monotonic()
    answer = post(processor, {"orderId": "bad-2"})
    took = time.monotonic() - started
    shop.azurite.process.signal(signal.SIGCONT)
    checks.that(answer[0] in (503, 504) and took < 5.5, "a storage that hangs is 503 or 504 within the deadline", (answer, took))
    checks.equal(post(processor, {"orderId": "bad-2"})[0], 200, "the same order succeeds when the storage is back")
    checks.equal(shop.stored("bad-2"), b'{"orderId":"bad-2"}', "and has its receipt")

    receipt_process.signal(signal.SIGSTOP)
    started = time.monotonic()
    answer = post(processor, {"orderId": "bad-3"})
    took = time.monotonic() - started
    receipt_process.signal(signal.SIGCONT)
    checks.that(is_problem(answer, 504) and 4 < took < 5.5, "a receipt that hangs is 504 at the deadline", (answer, took))
    answer = post(processor, {"orderId": "bad-4"}, _JSON | {"X-Request-Deadline-Ms": "0"})
    checks.that(is_problem(answer, 504), "a deadline that has passed already is 504", answer)

    receipt_process.stop()
    started = time.monotonic()
    answer = post(processor, {"orderId": "bad-5"})
    checks.that(is_problem(answer, 503) and int(answer[1].get("Retry-After", "0")) >= 1 and time.monotonic() - started < 2,
                "a receipt that is down is 503 with Retry-After, at once", answer)


def lost_answers(shop: Shop):
    """The storage wrote, but its answer was lost."""
    checks = shop.checks
    with FaultProxy(("127.0.0.1", shop.azurite.port), "on 1 PUT pass\non 2 PUT cut response 0") as once:
        # The first PUT makes the container.
        _, receipt = shop.receipt(blobs.connection_string(once.port))
        checks.equal(post(receipt, {"orderId": "lost-1"})[0], 200, "one lost answer of the storage is found out to be a success")
        checks.equal(shop.stored("lost-1"), b'{"orderId":"lost-1"}', "and the receipt is there, written once")
        checks.that(any("cut response" in line for line in once.log), "(the answer was lost indeed)", once.log)
    with FaultProxy(("127.0.0.1", shop.azurite.port), "on 1 PUT pass\non 2.. PUT cut response 0") as always:
        _, receipt = shop.receipt(blobs.connection_string(always.port))
        answer = post(receipt, {"orderId": "lost-2"})
        checks.that(answer[0] in (503, 504), "a storage whose answers never come is no success, though it wrote", answer)
        always.rules("on 1.. pass")
        checks.equal(post(receipt, {"orderId": "lost-2"})[0], 200, "the same order is a success as soon as they come")


def null_store(shop: Shop):
    """A loopback endpoint needs no credentials: the null blob store of a load test."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self):
            seen.append((self.path, self.headers.get("Authorization"), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}/devstoreaccount1"
    _, receipt = shop.serve("receipt", AZURE_STORAGE_BLOB_ENDPOINT=endpoint)
    shop.checks.equal(post(receipt, {"orderId": 7})[0], 200, "an endpoint on loopback needs no credentials")
    shop.checks.equal(seen, [("/devstoreaccount1/receipts/order-7.json", None, b'{"orderId":7}')], "and gets the receipt alone, unsigned")
    server.shutdown()
    server.server_close()


class Ingestion:
    """Takes what a service sends to Application Insights."""

    def __init__(self):
        self.items = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                text = (gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body).decode()
                batch = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
                owner.items += batch
                answer = json.dumps({"itemsReceived": len(batch), "itemsAccepted": len(batch), "errors": []}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self.variables = {
            "TELEMETRY": "azmon", "OTEL_TRACES_SAMPLER": "always_on",
            "APPLICATIONINSIGHTS_CONNECTION_STRING":
                f"InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint={url};LiveEndpoint={url}"}

    def spans(self, trace_id: str) -> list[dict]:
        """The spans of a trace: role, kind, name without ids, success, properties, id and parent."""
        found = []
        for item in list(self.items):
            data, tags = item["data"]["baseData"], item["tags"]
            if tags.get("ai.operation.id") == trace_id and item["data"]["baseType"] in ("RequestData", "RemoteDependencyData"):
                found.append({"role": tags["ai.cloud.role"], "type": data.get("type", "request"), "name": data["name"], "success": data["success"],
                              "properties": data.get("properties") or {}, "id": data["id"], "parent": tags.get("ai.operation.parentId")})
        return found

    def exceptions(self, trace_id: str) -> list[str]:
        return [item["data"]["baseData"]["exceptions"][0]["typeName"] for item in list(self.items)
                if item["tags"].get("ai.operation.id") == trace_id and item["data"]["baseType"] == "ExceptionData"]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def one_chain(spans: list[dict]) -> list[str]:
    """The spans from the root to the leaf as "role name", if each is the parent of the next; else what there is."""
    chain, current = [], [span for span in spans if span["parent"] not in {other["id"] for other in spans}]
    while len(current) == 1:
        chain.append(f"{current[0]['role']}: {re.sub(r'order-.*', 'order', current[0]['name'])}")
        current = [span for span in spans if span["parent"] == current[0]["id"]]
    return chain if len(chain) == len(spans) else [f"broken: {spans}"]


def spans(shop: Shop):
    """One order is one trace, with every parent right."""
    checks = shop.checks
    ingestion = Ingestion()
    _, receipt = shop.receipt(**ingestion.variables)
    health = str(port())
    _, processor = shop.order_processor(receipt, HEALTH_PORT=health, **ingestion.variables)
    process = shop.start("checkout", ["--count", "20", "--rate", "200"], SERVICE_ORDER_PROCESSOR_API_NAME=processor, **ingestion.variables)
    checks.equal(process.wait(30), 0, "20 orders at once are placed")
    orders = [_LINE.fullmatch(line) for line in process.output().splitlines()]
    wait_until(lambda: all(len(ingestion.spans(order[4])) == 9 for order in orders), 20, "nine spans an order have come", shop.started[:2])
    expected = ["checkout: place order", "checkout: POST /orders", "order-processor: POST /orders", "order-processor: process order",
                "order-processor: POST /orders", "receipt: POST /orders", "receipt: write receipt", "receipt: BlobClient.PutBlob",
                "receipt: PUT /devstoreaccount1/receipts/order"]
    wrong = [chain for order in orders if (chain := one_chain(ingestion.spans(order[4]))) != expected]
    checks.equal(wrong, [], "the spans of each of 20 orders are one chain from checkout to the blob")
    business = [span for span in ingestion.spans(orders[0][4]) if span["name"] in ("place order", "process order", "write receipt")]
    checks.equal([span["properties"].get("order.id") for span in business], [orders[0][1]] * 3, "the business spans carry order.id")
    put = next(span for span in ingestion.spans(orders[0][4]) if span["name"] == "BlobClient.PutBlob")
    checks.equal(put["properties"].get("az.namespace"), "Microsoft.Storage", "the storage call carries az.namespace")

    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = _JSON | {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    post(processor, {"orderId": "spans-1"})
    checks.equal(post(processor, {"orderId": "spans-1", "note": "other"}, headers)[0], 409, "a conflict with a traceparent of its own")
    wait_until(lambda: len(ingestion.spans(trace_id)) == 9, 20, "its spans have come", shop.started[:2])
    by_name = {f"{span['role']} {span['name']}": span["success"] for span in ingestion.spans(trace_id)}
    failed = {name for name, success in by_name.items() if not success}
    checks.that({"receipt write receipt", "order-processor process order"} <= failed and "receipt BlobClient.PutBlob" not in failed,
                "the conflict fails the business spans, not the storage call", by_name)
    checks.equal(sorted(ingestion.exceptions(trace_id)), ["order_conflict"] * 2, "and is recorded as an exception of both")

    before = len(ingestion.items)
    for _ in range(20):
        call("GET", processor + "/healthz")
    time.sleep(1.5)
    checks.equal(len(ingestion.items), before, "probes leave no spans")
    state = json.loads(call("GET", f"http://127.0.0.1:{health}/telemetryz")[2])["destinations"]
    checks.that(set(state) == {"azure"} and state["azure"]["accepted"] == state["azure"]["delivered"] > 0 and not state["azure"]["dropped"],
                "/telemetryz accounts for all of it", state)
    ingestion.close()


def start_and_end(shop: Shop):
    """Start in any order, health, drain."""
    checks = shop.checks
    late = port()
    early, receipt = shop.receipt(blobs.connection_string(late), HEALTH_PORT=str(health := port()))
    checks.that(post(receipt, {"orderId": "late-1"})[0] == 503, "receipt starts before its storage and answers 503 until then")
    for path, expected in (("livez", 200), ("readyz", 200), ("startupz", 200)):
        checks.equal(call("GET", f"http://127.0.0.1:{health}/{path}")[0], expected, f"/{path} on the health port")
    checks.equal(json.loads(call("GET", f"http://127.0.0.1:{health}/telemetryz")[2]), {"destinations": {}}, "/telemetryz without telemetry")
    other = Azurite(shop.work / "late", False)
    other.port = late
    other.process.arguments[other.process.arguments.index("--blobPort") + 1] = str(late)
    (shop.work / "late").mkdir(exist_ok=True)
    other.start()
    shop.started.append(other.process)
    wait_until(lambda: post(receipt, {"orderId": "late-1"})[0] == 200, 30, "the storage is there and the container made", [early])
    checks.that(True, "the container is made as soon as the storage is there")
    checks.equal(early.stop(), 0, "receipt ends with 0 at SIGTERM")

    process, receipt = shop.receipt()
    processor_process, processor = shop.order_processor(receipt)
    shop.azurite.process.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        flying = [pool.submit(post, processor, {"orderId": f"drain-{n}"}) for n in range(100)]
        time.sleep(0.7)
        processor_process.signal(signal.SIGTERM)
        process.signal(signal.SIGTERM)
        time.sleep(0.2)
        shop.azurite.process.signal(signal.SIGCONT)
        statuses = [flight.result()[0] for flight in flying]
    checks.equal(set(statuses), {200}, "100 orders in flight at SIGTERM of both services all succeed")
    checks.equal((processor_process.wait(10), process.wait(10)), (0, 0), "and both end with 0")
    checks.equal(call("GET", receipt + "/healthz", seconds=2)[0], 0, "and answer no more")


def checkout(shop: Shop):
    """Orders by checkout."""
    checks = shop.checks
    _, receipt = shop.receipt()
    _, processor = shop.order_processor(receipt)
    ids = set()
    for run in range(2):
        process = shop.start("checkout", ["--rate=200", "--count", "25"], SERVICE_ORDER_PROCESSOR_API_NAME=processor, ORDER_COUNT="1")
        checks.equal(process.wait(30), 0, f"run {run}: checkout ends with 0 when all orders succeeded")
        lines = [_LINE.fullmatch(line) for line in process.output().splitlines()]
        checks.that(len(lines) == 25 and all(lines), f"run {run}: one line an order, nothing else", process.output()[:300])
        checks.that(all(line and line[2] for line in lines), f"run {run}: all of them ok")
        found = [line[1] for line in lines if line]
        checks.that(not ids & set(found) and len(set(found)) == 25, f"run {run}: no id was there before")
        ids |= set(found)
    checks.that(all(shop.stored(order) for order in ids), "every order has its receipt")

    process = shop.start("checkout", SERVICE_ORDER_PROCESSOR_API_NAME=processor, ORDER_RATE="50", ORDER_COUNT="0")
    wait_until(lambda: process.output().count("\n") >= 5, 30, "five orders are placed", [process])
    process.signal(signal.SIGTERM)
    checks.equal(process.wait(10), 0, "checkout ends with 0 at SIGTERM when all orders succeeded")

    process = shop.start("checkout", ["--count", "2", "--rate", "50"], SERVICE_ORDER_PROCESSOR_API_NAME=f"127.0.0.1:{port()}",
                         ORDER_PATIENCE="1")
    checks.equal(process.wait(20), 1, "checkout ends with 1 when an order failed")
    failed = [_LINE.fullmatch(line) for line in process.output().splitlines() if line.startswith("order ")]
    checks.equal([line and line[3] for line in failed], ["peer_unavailable"] * 2, "and its lines say why")


def shop_window(shop: Shop):
    """checkout --serve: orders by POST /checkout, and the status page."""
    checks = shop.checks
    _, receipt = shop.receipt()
    _, processor = shop.order_processor(receipt)
    chosen = port()
    process = shop.start("checkout", ["--serve", "--rate", "0"], SERVICE_ORDER_PROCESSOR_API_NAME=processor, PORT=str(chosen))
    url = f"http://127.0.0.1:{chosen}"
    wait_until(lambda: call("GET", url + "/healthz", seconds=2)[0] == 200, 30, "checkout answers", [process])

    def order(body) -> tuple[int, dict]:
        status, _, text = call("POST", url + "/checkout", json.dumps(body).encode(), _JSON)
        return status, json.loads(text)
    status, made = order({"currency": "EUR", "lines": [{"sku": "tea", "quantity": 1, "unitPriceMinor": 890}]})
    checks.that(status == 200 and made["success"] and json.loads(shop.stored(made["orderId"]))["currency"] == "EUR",
                "an order without an id gets one, and its receipt", made)
    checks.equal((order({"orderId": "window-1"})[0], order({"orderId": "window-1", "n": 1})[0], order({"orderId": 0})[0]), (200, 409, 400),
                 "an order with an id keeps it; conflicts and bad orders are told")
    status, headers, page = call("GET", url + "/")
    checks.that(status == 200 and headers["Content-Type"].startswith("text/html") and made["orderId"].encode() in page, "the status page shows the order", page[:300])
    checks.that("default-src 'none'" in headers.get("Content-Security-Policy", ""), "and forbids what it does not need", headers)
    checks.equal(process.stop(), 0, "it ends with 0 at SIGTERM")
    process = shop.start("checkout", ["--serve"], SERVICE_ORDER_PROCESSOR_API_NAME=processor, PORT=receipt.rsplit(":", 1)[1])
    checks.that(process.wait(20) == 1 and "PORT" in process.output(), "a port in use is told, and ends with 1", process.output())


def settings(shop: Shop):
    """What a person meets first."""
    checks = shop.checks
    for name in ("receipt", "order-processor", "checkout"):
        process = shop.start(name, ["--help"])
        checks.that(process.wait(10) == 0 and "usage:" in process.output(), f"{name} --help")
        process = shop.start(name, ["--version"])
        checks.that(process.wait(10) == 0 and re.fullmatch(rf"{name} \d+\.\d+\.\d+\n", process.output()), f"{name} --version", process.output())
        process = shop.start(name, ["--no-such-flag"])
        checks.that(process.wait(10) == 2 and "--no-such-flag" in process.output(), f"{name} refuses an unknown flag with 2", process.output())
    process = shop.start("receipt", PORT="x", TELEMETRY="y", STORAGE_ACCOUNT_CONTAINER_NAME="Z")
    wrong = process.wait(10)
    checks.that(wrong == 2 and all(word in process.output() for word in ("PORT='x'", "TELEMETRY='y'", "STORAGE_ACCOUNT_CONTAINER_NAME='Z'",
                                                                         "AZURE_STORAGE_CONNECTION_STRING")),
                "all problems of the settings are told at once, with exit code 2", process.output())
    process = shop.start("receipt", AZURE_STORAGE_CONNECTION_STRING="AccountName=shop;AccountKey=not/a/secret/but!")
    checks.that(process.wait(10) == 2 and "secret" not in process.output(), "a broken key is refused and not shown", process.output())
    _, receipt = shop.receipt()
    process = shop.start("receipt", PORT=receipt.rsplit(":", 1)[1], AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(shop.azurite.port))
    checks.that(process.wait(10) == 1 and "PORT" in process.output(), "a port in use is told, with what to do, and ends with 1", process.output())


SCENARIOS = (answers, repeats, bad_times, lost_answers, null_store, spans, start_and_end, checkout, shop_window, settings)


def main(scenarios=SCENARIOS) -> int:
    raise_on_signals()
    if missing := azurite_missing():
        print(f"skipped: {missing}")
        return _SKIP
    wanted = sys.argv[1:]
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="services-blackbox-") as name:
        work = pathlib.Path(name)
        azurite = Azurite(work, False)
        try:
            azurite.start()
            azurite.wait_ready()
            for scenario in scenarios:
                if wanted and scenario.__name__ not in wanted:
                    continue
                say(f"{scenario.__name__}: {scenario.__doc__.splitlines()[0]}")
                try:
                    with Shop(checks, default_programs(), work, azurite) as shop:
                        scenario(shop)
                except Failure as failure:
                    checks.that(False, f"{scenario.__name__} came to its end", str(failure))
                except KeyboardInterrupt:
                    raise
                except Exception:  # noqa: BLE001  a broken scenario is a failed one; the others go on
                    checks.that(False, f"{scenario.__name__} came to its end", traceback.format_exc())
        finally:
            if azurite.process.exit_code() is None:
                azurite.process.signal(signal.SIGCONT)
            azurite.process.stop()
    say(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
