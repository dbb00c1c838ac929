#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The services when things go wrong: killed, rolled over, flooded, starved, lied to; and who is let in.

The same harness as blackbox.py. Each scenario ends by showing that orders go through again. KILL_ROUNDS sets how often receipt is killed.
"""

import collections
import concurrent.futures
import http.server
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from blackbox import Ingestion, Shop, blobs, call, is_problem, main, port, post, raw, wait_until, _JSON, _LINE  # noqa: E402
from faults.proxy import FaultProxy  # noqa: E402


def until_final(url: str, order: dict, seconds: float) -> int:
    """Posts an order as a client should: again and again until the answer is final."""
    end = time.monotonic() + seconds
    while True:
        status = post(url, order, seconds=8)[0]
        if status not in (0, 503, 504) or time.monotonic() > end:
            return status
        time.sleep(0.1)


def kills(shop: Shop):
    """receipt is killed before, during and after its write: every order ends with exactly one receipt."""
    checks, draw = shop.checks, random.Random(int(os.environ.get("AZMON_TEST_SEED", "1")))
    rounds = int(os.environ.get("KILL_ROUNDS", "24"))
    chosen = str(port())
    variables = {"AZURE_STORAGE_CONNECTION_STRING": blobs.connection_string(shop.azurite.port), "PORT": chosen}
    url = f"http://127.0.0.1:{chosen}"
    process = shop.start("receipt", **variables)
    _, processor = shop.order_processor(url)
    wait_until(lambda: post(processor, {"orderId": "kill-first"})[0] == 200, 30, "the first order succeeds", [process])
    ends = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number in range(rounds):
            when = ("before", "during", "after")[number % 3]
            orders = [{"orderId": f"kill-{number}-{n}", "n": n} for n in range(4)]
            if when == "before":
                process.kill()
            flying = [pool.submit(until_final, processor, order, 30) for order in orders]
            if when == "during":
                time.sleep(draw.uniform(0, 0.02))
            elif when == "after":
                end = time.monotonic() + 10
                while shop.stored(orders[0]["orderId"]) is None and time.monotonic() < end:
                    pass
            process.kill()
            process = shop.start("receipt", **variables)
            ends.update((when, flight.result()) for flight in flying)
    checks.equal({end for _, end in ends}, {200}, f"{rounds} kills: every order ends as a success when it is repeated")
    wrong = [name for number in range(rounds) for n in range(4)
             if shop.stored(name := f"kill-{number}-{n}") != f'{{"orderId":"{name}","n":{n}}}'.encode()]
    checks.equal(wrong, [], f"and each of {rounds * 4} has its one receipt with its own bytes")
    checks.equal(post(processor, {"orderId": "kill-0-0", "n": 9})[0], 409, "which is not overwritten afterwards")


def storage_faults(shop: Shop):
    """A storage that refuses, is busy, hangs, lies or cuts the connection."""
    checks = shop.checks
    with FaultProxy(("127.0.0.1", shop.azurite.port)) as proxy:
        _, receipt = shop.receipt(blobs.connection_string(proxy.port))
        once = {"503 with Retry-After": "status 503 retry-after 1", "429": "status 429", "500": "status 500", "no answer at all": "noop",
                "a reset": "refuse", "a lost answer": "cut response 0", "half an answer": "cut response 20"}
        for number, (name, rule) in enumerate(once.items()):
            proxy.rules(f"on 1 PUT {rule}")
            order = {"orderId": f"fault-{number}"}
            checks.equal(post(receipt, order)[0], 200, f"one {name} of the storage is overcome within the order's deadline")
            checks.equal(shop.stored(order["orderId"]), b'{"orderId":"fault-%d"}' % number, f"and there is one receipt after {name}")
        for number, (name, rule) in enumerate({"503": "status 503", "no answer": "noop", "resets": "refuse"}.items()):
            proxy.rules(f"on 1.. PUT {rule}")
            started = time.monotonic()
            status, headers, _ = answer = post(receipt, {"orderId": f"fault-for-good-{number}"})
            checks.that((status == 504 or status == 503 and headers.get("Retry-After")) and time.monotonic() - started < 7 and is_problem(answer, status),
                        f"{name} for good is a 503 with Retry-After or a 504, in time", answer)
            checks.equal(shop.stored(f"fault-for-good-{number}"), None, "and nothing was written")
            proxy.rules("on 1.. pass")
            checks.equal(post(receipt, {"orderId": f"fault-for-good-{number}"})[0], 200, f"the same order succeeds after {name}")
        for status in (403, 412):
            proxy.rules(f"on 1.. PUT status {status}")
            started = time.monotonic()
            answer = post(receipt, {"orderId": f"fault-{status}"})
            checks.that(is_problem(answer, 503), f"a {status} of the storage is no success", answer)
            proxy.rules("on 1.. pass")
        checks.equal(post(receipt, {"orderId": "fault-end"})[0], 200, "and orders go through again")


def rolling(shop: Shop):
    """Each service is replaced while orders come; none fails, no telemetry is lost."""
    checks = shop.checks
    ingestion = Ingestion()
    ports = {"receipt": str(port()), "order-processor": str(port())}
    variables = {
        "receipt": {"AZURE_STORAGE_CONNECTION_STRING": blobs.connection_string(shop.azurite.port)},
        "order-processor": {"SERVICE_RECEIPT_API_NAME": f"127.0.0.1:{ports['receipt']}"}}
    running = {}

    def start(name: str):
        running[name] = shop.start(name, PORT=ports[name], **variables[name], **ingestion.variables)

    def place():
        # Patient, because a busy machine may take many seconds to start a program.
        return shop.start("checkout", ["--rate", "15", "--count", "0"], ORDER_PATIENCE="60", SERVICE_ORDER_PROCESSOR_API_NAME=f"127.0.0.1:{ports['order-processor']}",
                          **ingestion.variables)
    # checkout first, its peers later: the order of starting does not matter.
    first = place()
    time.sleep(0.3)
    start("order-processor")
    time.sleep(0.3)
    start("receipt")
    wait_until(lambda: first.output().count(" ok ") > 15, 30, "orders go through", [first])
    codes = []
    for name in ("receipt", "order-processor", "receipt", "order-processor"):
        before = first.output().count(" ok ")
        codes.append(running[name].stop())
        start(name)
        wait_until(lambda: first.output().count(" ok ") > before + 15, 30, f"orders go through after {name} was replaced", [first, running[name]])
    second = place()
    codes.append(first.stop(90))
    wait_until(lambda: second.output().count(" ok ") > 15, 30, "the new checkout's orders go through", [second])
    codes.append(second.stop(90))
    codes += [process.stop() for process in running.values()]
    checks.equal(set(codes), {0}, "every program ended with 0")
    lines = [_LINE.fullmatch(line) for process in (first, second) for line in process.output().splitlines() if line.startswith("order ")]
    checks.equal([line[0] for line in lines if not line or not line[2]], [], f"not one of {len(lines)} orders failed")
    checks.equal(sum(shop.stored(line[1]) is None for line in lines), 0, "each has its receipt")
    names = collections.defaultdict(set)
    for item in list(ingestion.items):
        if item["data"]["baseType"] in ("RequestData", "RemoteDependencyData"):
            names[item["tags"].get("ai.operation.id")].add((item["tags"]["ai.cloud.role"], item["data"]["baseData"]["name"]))
    torn = [line[4] for line in lines if not {("checkout", "place order"), ("order-processor", "process order"), ("receipt", "write receipt")} <= names[line[4]]]
    checks.equal(torn, [], "and the telemetry of every order was delivered before the programs ended")
    ingestion.close()


def slow_clients(shop: Shop):
    """Hundreds of connections that dawdle or are silent keep nobody else waiting, and are ended."""
    checks = shop.checks
    process, receipt = shop.receipt()
    address = ("127.0.0.1", int(receipt.rsplit(":", 1)[1]))
    files = len(os.listdir(f"/proc/{process.pid}/fd"))
    memory = process.resident_kib()
    slow = [socket.create_connection(address, 5) for _ in range(400)]
    stopped = threading.Event()

    def dawdle():
        text = b"POST /orders HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * 100
        for byte in text:
            if stopped.wait(1):
                return
            for connection in slow[:250]:
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    pass
    for connection in slow[:250]:
        connection.send(b"P")
    thread = threading.Thread(target=dawdle)
    thread.start()
    statuses, number, end = collections.Counter(), 0, time.monotonic() + 12
    while time.monotonic() < end:
        statuses[post(receipt, {"orderId": f"slow-{number}"})[0]] += 1
        number += 1
    checks.that(set(statuses) == {200} and number > 50, "honest orders succeed all the while", statuses)
    checks.that(process.resident_kib() - memory < 40 * 1024, "memory stays bounded", (memory, process.resident_kib()))
    answers = set()
    for connection in slow[:250]:
        connection.settimeout(10)
        try:
            answers.add(connection.recv(100).split(b"\r\n")[0])
        except OSError:
            answers.add(b"reset")
    stopped.set()
    thread.join()
    checks.that(b"HTTP/1.1 408 Request Timeout" in answers and answers <= {b"HTTP/1.1 408 Request Timeout", b"reset", b""},
                "a header that does not come within its time is ended with 408", answers)
    for connection in slow:
        connection.close()
    wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) <= files + 10, 20, "the descriptors are back", [process])
    checks.equal(post(receipt, {"orderId": "slow-end"})[0], 200, "and orders go through")


class SlowReceipt:
    """A receipt that takes its time and remembers what it was asked."""

    def __init__(self, seconds: float):
        self.deadlines, self.seconds = [], seconds
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                owner.deadlines.append(int(self.headers["X-Request-Deadline-Ms"]))
                self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(owner.seconds)
                try:
                    body = b'{"success":true}'
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 200
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def slow_receipt(shop: Shop):
    """A receipt that takes 10 s: callers are answered at 5 s, those too many at once, probes always."""
    checks = shop.checks
    slow = SlowReceipt(10)
    _, processor = shop.order_processor(slow.url, MAX_REQUESTS="64")

    def timed(number: int):
        started = time.monotonic()
        answer = post(processor, {"orderId": f"wait-{number}"}, seconds=20)
        return answer, time.monotonic() - started
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        flying = [pool.submit(timed, number) for number in range(100)]
        time.sleep(1)
        checks.equal(call("GET", processor + "/healthz")[0], 200, "a flooded service still answers /healthz")
        ends = [flight.result() for flight in flying]
    late = [took for answer, took in ends if answer[0] == 504]
    shed = [(answer, took) for answer, took in ends if answer[0] == 503]
    checks.that(0 < len(late) <= 64 and len(late) + len(shed) == 100, "no more than 64 wait, the others are sent away", (len(late), len(shed)))
    checks.that(all(4 < took < 8 for took in late), "who waits is answered at the deadline of 5 s", late)
    checks.that(all(is_problem(answer, 503) and answer[1].get("Retry-After") and took < 4 for answer, took in shed),
                "who is sent away is told so long before, with Retry-After", [took for _, took in shed])
    checks.that(slow.deadlines and all(4000 < left < 5000 for left in slow.deadlines), "the deadline is passed on, less what was used up", slow.deadlines[:5])
    slow.deadlines.clear()
    wait_until(lambda: call("POST", processor + "/orders", b'{"orderId":"short"}', _JSON | {"X-Request-Deadline-Ms": "700"})[0] == 504, 10, "a caller's own deadline holds")
    checks.that(all(left < 700 for left in slow.deadlines), "a caller's shorter deadline is passed on too", slow.deadlines)
    slow.seconds = 0
    wait_until(lambda: post(processor, {"orderId": "wait-end"})[0] == 200, 20, "orders go through when receipt is quick again")
    slow.close()


def breaker(shop: Shop):
    """A peer that fails again and again is left alone for a moment, then tried again."""
    checks = shop.checks
    nobody = port()
    processor_process, processor = shop.order_processor(f"127.0.0.1:{nobody}")
    for number in range(12):
        answer = post(processor, {"orderId": f"breaker-{number}"})
        checks.that(is_problem(answer, 503) and answer[1].get("Retry-After"), f"order {number} of a dead peer is 503 with Retry-After", answer)
    opened = [json.loads(line) for line in processor_process.output().splitlines() if "left alone" in line and line.startswith("{")]
    checks.that(any(line["level"] == "warn" and line.get("peer") == "receipt" for line in opened), "the breaker's opening is told once", processor_process.log_end())
    shop.start("receipt", PORT=str(nobody), AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(shop.azurite.port))
    wait_until(lambda: post(processor, {"orderId": "breaker-end"})[0] == 200, 30, "orders go through as soon as the peer is back", [processor_process])
    checks.that("a peer answers again" in processor_process.output(), "and its closing too")


def odd_requests(shop: Shop):
    """Oversize and odd requests get their answer and cost next to nothing."""
    checks = shop.checks
    process, receipt = shop.receipt()
    memory = process.resident_kib()
    head = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    table = {
        "a body of 1 GiB": (head + b"Content-Length: 1073741824\r\n\r\n", 413),
        "a chunked body without end": (head + b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b"x" * 0x8000 + b"\r\n8001\r\n" + b"x" * 0x8001, 413),
        "10,000 fields": (head + b"".join(b"A%d: b\r\n" % n for n in range(10000)) + b"\r\n", 431),
        "a line of 1 MiB": (b"GET /" + b"x" * 1048576 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        "both lengths": (head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 400),
        "TRACE": (b"TRACE /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        "an unknown expectation": (head + b"Expect: magic\r\nContent-Length: 2\r\n\r\n{}", 417),
        "a chunk extension": (head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nd;x=y\r\n{\"orderId\":1}\r\n0\r\n\r\n", 200),
        "an absolute target": (b"GET http://x/receipts/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    }
    for name, (request, status) in table.items():
        answer = raw(receipt, request)
        checks.that(answer.startswith(b"HTTP/1.1 %d " % status), f"{name} is {status}", answer[:200])
    checks.that(process.resident_kib() - memory < 4096, "memory has not grown", (memory, process.resident_kib()))
    checks.equal(post(receipt, {"orderId": "odd-end"})[0], 200, "and orders go through")


def telemetry_down(shop: Shop):
    """Destinations that hang or are not there cost no order, and hold up no end."""
    checks = shop.checks
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        dead = {"TELEMETRY": "dual", "OTEL_TRACES_SAMPLER": "always_on", "OTLP_EXPORT_ENDPOINT": f"http://127.0.0.1:{port()}",
                "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint={url};LiveEndpoint={url}"}
        receipt_process, receipt = shop.receipt(**dead)
        processor_process, processor = shop.order_processor(receipt, **dead)
        process = shop.start("checkout", ["--count", "300", "--rate", "150"], SERVICE_ORDER_PROCESSOR_API_NAME=processor, **dead)
        checks.equal(process.wait(60), 0, "300 orders succeed while both destinations are dead")
        codes = [process.stop(20) for process in (processor_process, receipt_process)]
        checks.equal(codes, [0, 0], "the services end with 0")
        checks.that(all(process.stopped_in < 12 for process in (processor_process, receipt_process)), "and in time",
                    (processor_process.stopped_in, receipt_process.stopped_in))


_TOKENS = ("marker-token-one-7c1d8a3f", "marker-token-two-9e2b4c6d")


def tokens(shop: Shop):
    """Callers are known by a shared token, which can be changed without a restart."""
    checks = shop.checks
    file = shop.work / "tokens"
    file.write_text(_TOKENS[0])
    _, receipt = shop.receipt(HOST="0.0.0.0", SERVICE_TOKENS_FILE=str(file))
    _, processor = shop.order_processor(receipt, SERVICE_TOKEN=_TOKENS[0])

    def with_token(url: str, token: str, order: str) -> int:
        return post(url, {"orderId": order}, _JSON | {"Authorization": f"Bearer {token}"})[0]
    checks.that(is_problem(post(processor, {"orderId": "token-1"}), 401), "without a token: 401")
    checks.equal(with_token(processor, "wrong-token-of-somebody", "token-1"), 401, "with another token: 401")
    checks.equal(call("GET", receipt + "/receipts/token-1")[0], 401, "reading needs it as well")
    checks.equal((call("GET", receipt + "/healthz")[0], call("GET", processor + "/healthz")[0]), (200, 200), "probes do not")
    checks.equal(shop.stored("token-1"), None, "and nothing was written")
    checks.equal(with_token(processor, _TOKENS[0], "token-1"), 200, "with the token an order passes both services")
    file.write_text(f"{_TOKENS[1]}\n{_TOKENS[0]}\n")
    wait_until(lambda: with_token(receipt, _TOKENS[1], "token-2") == 200, 20, "the new token is accepted without a restart")
    checks.equal(with_token(processor, _TOKENS[0], "token-3"), 200, "and the old one still is")
    file.write_text(_TOKENS[1])
    wait_until(lambda: with_token(receipt, _TOKENS[0], "token-4") == 401, 20, "until it is taken out")
    checks.that(is_problem(post(processor, {"orderId": "token-5"}, _JSON | {"Authorization": f"Bearer {_TOKENS[0]}"}), 503), "a peer that does not know us is told as down")
    process = shop.start("receipt", HOST="0.0.0.0", AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(shop.azurite.port))
    checks.that(process.wait(10) == 2 and "ALLOW_UNAUTHENTICATED" in process.output(), "nobody listens to others without authentication", process.output())
    _, open_receipt = shop.receipt(HOST="0.0.0.0", ALLOW_UNAUTHENTICATED="true")
    checks.equal(post(open_receipt, {"orderId": "token-6"})[0], 200, "unless it is told to")


class Certificates:
    """An authority and certificates of it, made by openssl."""

    def __init__(self, work: pathlib.Path, name: str):
        self.work, self.name = work, name
        work.mkdir(exist_ok=True)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def _openssl(self, *arguments: str):
        subprocess.run(["openssl", *arguments], cwd=self.work, check=True, capture_output=True)

    @property
    def authority(self) -> str:
        return str(self.work / f"{self.name}.pem")

    def issue(self, file: str, names: str) -> tuple[str, str]:
        (self.work / f"{file}.ext").write_text(f"subjectAltName={names}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={file}", "-keyout", f"{file}.key", "-out", f"{file}.csr")
        self._openssl("x509", "-req", "-in", f"{file}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key", "-CAcreateserial", "-days", "1",
                      "-extfile", f"{file}.ext", "-out", f"{file}.pem")
        return str(self.work / f"{file}.pem"), str(self.work / f"{file}.key")


def tls_status(url: str, authority: str, certificate: tuple[str, str] | None, path: str = "/receipts/none") -> int:
    """The status of a GET with that client certificate; 0 where the handshake fails."""
    context = ssl.create_default_context(cafile=authority)
    if certificate:
        context.load_cert_chain(*certificate)
    host, number = url.split("//")[1].split(":")
    try:
        with socket.create_connection((host, int(number)), 5) as plain, context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return int(connection.recv(1000).split(b" ")[1])
    except (ssl.SSLError, ConnectionError, IndexError):
        return 0


def mutual_tls(shop: Shop):
    """Callers are known by the name in their certificate; certificates and names change without a restart."""
    checks = shop.checks
    ours, others = Certificates(shop.work / "ours", "shop-ca"), Certificates(shop.work / "others", "other-ca")
    receipt_files = ours.issue("receipt", "IP:127.0.0.1,DNS:receipt.shop")
    processor_files = ours.issue("order-processor", "IP:127.0.0.1,DNS:order-processor.shop")
    stranger = ours.issue("stranger", "DNS:stranger.shop")
    foreign = others.issue("foreign", "DNS:order-processor.shop")
    names = shop.work / "names"
    names.write_text("# who may write receipts\norder-processor.shop\n")
    chosen = port()
    shop.start("receipt", PORT=str(chosen), AZURE_STORAGE_CONNECTION_STRING=blobs.connection_string(shop.azurite.port), TLS_CERT_FILE=receipt_files[0],
               TLS_KEY_FILE=receipt_files[1], TLS_CLIENT_CA_FILE=ours.authority, TLS_CLIENT_NAMES_FILE=str(names))
    url = f"https://127.0.0.1:{chosen}"
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", chosen)) == 0, 30, "receipt listens")
    _, processor = shop.serve("order-processor", wait=False, SERVICE_RECEIPT_API_NAME=url, TLS_CERT_FILE=processor_files[0], TLS_KEY_FILE=processor_files[1],
                              TLS_CA_FILE=ours.authority, SERVICE_TOKEN=_TOKENS[0])
    secure = processor.replace("http:", "https:")
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", int(processor.rsplit(":", 1)[1]))) == 0, 30, "order-processor listens")

    def order(order_id: str) -> int:
        context = ssl.create_default_context(cafile=ours.authority)
        body = json.dumps({"orderId": order_id}).encode()
        with socket.create_connection(("127.0.0.1", int(secure.rsplit(":", 1)[1])), 5) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"POST /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer " +
                               _TOKENS[0].encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            return int(connection.recv(1000).split(b" ")[1])
    checks.equal(order("tls-1"), 200, "an order passes from service to service by mutual TLS")
    checks.equal(shop.stored("tls-1"), b'{"orderId":"tls-1"}', "and has its receipt")
    checks.equal(tls_status(url, ours.authority, processor_files), 404, "a certificate with an allowed name is let in")
    checks.equal(tls_status(url, ours.authority, stranger), 401, "one of the same authority with another name is not")
    checks.equal(tls_status(url, ours.authority, None), 401, "nor is a caller without one")
    checks.equal(tls_status(url, ours.authority, foreign), 0, "one of another authority does not even shake hands")
    checks.equal(tls_status(url, ours.authority, None, "/healthz"), 200, "/healthz asks for none")
    checks.that(b"200" not in raw(f"http://127.0.0.1:{chosen}", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")[:20], "clear text is not spoken on that port")
    names.write_text("order-processor.shop\nstranger.shop\n")
    wait_until(lambda: tls_status(url, ours.authority, stranger) == 404, 20, "a name that is added to the list is let in without a restart")
    names.write_text("nobody.shop\n")
    wait_until(lambda: tls_status(url, ours.authority, processor_files) == 401, 20, "a name that is taken out is not let in any more")
    names.write_text("order-processor.shop\n")
    fresh = ours.issue("receipt", "IP:127.0.0.1,DNS:renewed.shop")

    def served() -> bool:
        text = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{chosen}"], input=b"", capture_output=True, check=False).stdout
        shown = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=text, capture_output=True, check=False).stdout
        return b"renewed.shop" in shown
    wait_until(served, 20, f"a renewed certificate ({fresh[0]}) is shown without a restart")
    wait_until(lambda: order("tls-2") == 200, 20, "orders go through again")
    checks.that(True, "certificates and names are taken over without a restart")


def secrets(shop: Shop):
    """No secret in any line, answer, span, log record, metric or argument."""
    checks = shop.checks
    ingestion = Ingestion()
    token, previous = "W10MARKERtokenaaaaaaaa", "W10MARKERtokenbbbbbbbb"
    variables = ingestion.variables | {"SERVICE_TOKEN": token, "SERVICE_TOKEN_PREVIOUS": previous, "LOG_LEVEL": "debug", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
    receipt_process, receipt = shop.receipt(HEALTH_PORT=str(health := port()), **variables)
    processor_process, processor = shop.order_processor(receipt, **variables)
    signed = shop.start("receipt", PORT=str(signed_port := port()), **variables,
                        AZURE_STORAGE_CONNECTION_STRING=f"BlobEndpoint=http://127.0.0.1:{shop.azurite.port}/devstoreaccount1;"
                                                        "SharedAccessSignature=sv=2021-12-02&sig=W10MARKERsignature%3D")
    wait_until(lambda: call("GET", f"http://127.0.0.1:{signed_port}/healthz")[0] == 200, 30, "the service with a signature answers", [signed])
    headers = _JSON | {"Authorization": f"Bearer {token}"}
    told = []
    for url, order in ((processor, {"orderId": "w10-1"}), (processor, {"orderId": "w10-1", "n": 1}), (f"http://127.0.0.1:{signed_port}", {"orderId": "w10-2"})):
        told.append(post(url, order, headers))
    told.append(post(processor, {"orderId": "w10-3"}, _JSON | {"Authorization": f"Bearer {token}x"}))
    told.append(call("GET", f"{processor}/orders/w10-1?sig=W10MARKERquery&Signature=W10MARKERquery", None, headers))
    told.append(call("GET", f"http://127.0.0.1:{health}/telemetryz"))
    checks.equal([answer[0] for answer in told[:2]] + [told[3][0]], [200, 409, 401], "orders, a conflict and a refusal happened")
    checks.that(told[2][0] == 503, "and a storage that refuses its signature", told[2])
    arguments = b"".join(pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes() for process in (receipt_process, processor_process, signed))
    for process in (processor_process, receipt_process, signed):
        process.stop()
    checkout = shop.start("checkout", ["--count", "2", "--rate", "50"], SERVICE_ORDER_PROCESSOR_API_NAME=processor, ORDER_PATIENCE="1", **variables)
    checks.equal(checkout.wait(30), 1, "and orders that failed")
    where = {"answers": repr(told), "arguments": arguments.decode(errors="replace"), "telemetry": json.dumps(ingestion.items)}
    where |= {f"{process.name}'s lines": process.output() for process in (receipt_process, processor_process, signed, checkout)}
    kinds = {item["data"]["baseType"] for item in ingestion.items}
    checks.that({"RequestData", "RemoteDependencyData", "MessageData", "ExceptionData", "MetricData"} <= kinds, "telemetry of every kind has come", kinds)
    for name, text in where.items():
        found = sorted(set(re.findall(r"W10MARKER\w*", text)))
        checks.equal(found, [], f"no secret in {name}")
        checks.that(blobs.KEY not in text, f"nor the storage key in {name}")
    ingestion.close()


SCENARIOS = (kills, storage_faults, rolling, slow_clients, slow_receipt, breaker, odd_requests, telemetry_down, tokens, mutual_tls, secrets)

if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(SCENARIOS))
