#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The built azmon-local as a process: black_box.py PROGRAM. Standard library alone."""

import gzip
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

PROGRAM = ""
KEY = "00000000-0000-4000-8000-0000a2004380"
TRACE = "0af7651916cd43dd8448eb211c80319c"
START_SECONDS = 20


def envelope(number: int = 1, trace: str = TRACE, **base_data) -> dict:
    data = {"ver": 2, "id": f"{number:016x}", "name": "POST /orders", "duration": "00:00:00.1000000", "success": True,
            "responseCode": "200", "properties": {"order.id": str(number)}}
    data.update(base_data)
    return {"ver": 1, "name": "Microsoft.ApplicationInsights.Request", "time": "2026-11-24T10:00:00.1234567Z", "iKey": KEY, "sampleRate": 100,
            "tags": {"ai.operation.id": trace, "ai.cloud.role": "order-processor"},
            "data": {"baseType": "RequestData", "baseData": data}}


def otlp_json(number: int = 1, trace: str = TRACE) -> dict:
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order-processor"}}]}, "scopeSpans": [{
        "scope": {"name": "t"}, "spans": [{"traceId": trace, "spanId": f"{number:016x}", "name": "POST", "kind": 2,
                                           "startTimeUnixNano": "1795514400123456700", "endTimeUnixNano": "1795514400223456700",
                                           "attributes": [{"key": "http.request.method", "value": {"stringValue": "POST"}},
                                                          {"key": "http.route", "value": {"stringValue": "/orders"}},
                                                          {"key": "http.response.status_code", "value": {"intValue": "200"}}]}]}]}]}


def field(number: int, data: bytes) -> bytes:
    length, out = len(data), bytearray([number << 3 | 2])
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out) + data


def otlp_protobuf(number: int = 1, trace: str = TRACE) -> bytes:
    span = (field(1, bytes.fromhex(trace)) + field(2, struct.pack(">Q", number)) + field(5, b"work") + bytes([6 << 3, 1]) +
            bytes([7 << 3 | 1]) + struct.pack("<Q", 1795514400123456700) + bytes([8 << 3 | 1]) + struct.pack("<Q", 1795514400223456700))
    return field(1, field(2, field(2, span)))


class Local:
    """One azmon-local, ended with the `with` block."""

    def __init__(self, *arguments: str, ports: bool = True, env: dict | None = None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="azmon-black-box-"))
        self.ready_file = self.directory / "ready.json"
        free = ["--port", "0", "--otlp-grpc-port=0", "--otlp-http-port", "0"] if ports else []
        self.arguments = [PROGRAM, *free, "--ready-json", str(self.ready_file), *arguments]
        self.environment = env
        self.process = None
        self.ready = {}
        self.log = b""

    def __enter__(self):
        if "--location" not in self.arguments and "--in-memory" not in self.arguments:
            self.arguments.append("--in-memory")
        self.start()
        return self

    def __exit__(self, *exc):
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen(self.arguments, stderr=subprocess.PIPE, env=self.environment)
        deadline = time.monotonic() + START_SECONDS
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"azmon-local did not start: {self.process.stderr.read().decode()}")
            time.sleep(0.01)
        self.ready = json.loads(self.ready_file.read_text(encoding="utf-8"))

    def stop(self, number=signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.log = self.process.stderr.read()
        self.process.stderr.close()
        return code

    def call(self, method: str, path: str, body=None, headers: dict | None = None, base: str = "page"):
        url = urllib.parse.urlsplit(self.ready[base])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        kind = response.headers.get("Content-Type", "")
        return response.status, json.loads(data) if "json" in kind and data else data, response.headers

    def api(self, path: str):
        status, answer, _ = self.call("GET", f"/api/v1/{path}")
        assert status == 200, (status, answer)
        return answer

    def track(self, body, **headers):
        return self.call("POST", "/v2.1/track", body, headers)


class Serving(unittest.TestCase):
    def test_starts_says_where_and_ends_cleanly(self):
        with Local() as local:
            for name in ("pid", "page", "ingestion", "live", "otlpGrpc", "otlpHttp", "caFile", "connectionString"):
                self.assertIn(name, local.ready)
            self.assertEqual(local.ready["pid"], local.process.pid)
            port = urllib.parse.urlsplit(local.ready["page"]).port
            self.assertEqual(local.ready["connectionString"],
                             f"InstrumentationKey={KEY};IngestionEndpoint=http://localhost:{port}/;LiveEndpoint=http://localhost:{port}/")
            self.assertEqual(local.api("health")["status"], "ok")
            self.assertEqual(local.stop(), 0)
            self.assertIn(local.ready["connectionString"], local.log.decode())
            self.assertIn(local.ready["page"], local.log.decode())
            self.assertFalse(local.ready_file.exists())
        with Local() as local:
            self.assertEqual(local.stop(signal.SIGINT), 0)

    def test_a_port_in_use_is_an_error(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            for flag in ("--port", "--otlp-grpc-port", "--otlp-http-port"):
                ports = {"--port": "0", "--otlp-grpc-port": "0", "--otlp-http-port": "0", flag: port}
                done = subprocess.run([PROGRAM, "--in-memory", *[part for pair in ports.items() for part in pair]], capture_output=True, timeout=20)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(port, done.stderr.decode())

    def test_usage(self):
        done = subprocess.run([PROGRAM, "--port=x", "--nonsense=1", "--in-memory", "--location", "d"], capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.decode().splitlines()), 4)
        for flag in ("--help", "--version"):
            done = subprocess.run([PROGRAM, flag], capture_output=True, timeout=20)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertTrue(done.stdout)

    def test_is_not_for_pages_of_strangers(self):
        with Local() as local:
            self.assertEqual(local.call("GET", "/api/v1/stats", headers={"Host": "evil.example"})[0], 403)
            self.assertEqual(local.call("GET", "/", headers={"Host": "evil.example"})[0], 403)
            self.assertEqual(local.call("GET", "/api/v1/live", headers={"Host": "evil.example"})[0], 403)
            status, answer, headers = local.call("POST", "/api/v1/reset")
            self.assertEqual((status, headers["Content-Type"]), (403, "application/problem+json"))
            self.assertIn("X-Azmon-Local", answer["detail"])
            self.assertEqual(local.call("POST", "/api/v1/reset", headers={"X-Azmon-Local": "1", "Origin": "http://evil.example"})[0], 403)
            self.assertEqual(local.call("POST", "/api/v1/reset", headers={"X-Azmon-Local": "1", "Origin": local.ready["page"].rstrip("/")})[0], 200)
            self.assertIsNone(local.call("GET", "/api/v1/stats", headers={"Origin": "http://evil.example"})[2]["Access-Control-Allow-Origin"])
        with Local("--allowed-host", "dev-box") as local:
            self.assertEqual(local.call("GET", "/api/v1/stats", headers={"Host": "dev-box:1"})[0], 200)

    def test_https_on_the_same_ports(self):
        with Local() as local:
            trusted = ssl.create_default_context(cafile=local.ready["caFile"])
            for base, path in (("page", "/api/v1/health"), ("otlpHttp", "/v1/traces")):
                port = urllib.parse.urlsplit(local.ready[base]).port
                for host in ("localhost", "127.0.0.1"):
                    connection = http.client.HTTPSConnection(host, port, timeout=20, context=trusted)
                    connection.request("GET", path)
                    self.assertIn(connection.getresponse().status, (200, 405))
                    connection.close()
                strange = http.client.HTTPSConnection("localhost", port, timeout=20, context=ssl.create_default_context())
                with self.assertRaises(ssl.SSLCertVerificationError):
                    strange.request("GET", path)
                strange.close()

    def test_serves_the_page(self):
        with Local() as local:
            status, body, headers = local.call("GET", "/")
            self.assertEqual(status, 200)
            self.assertIn("text/html", headers["Content-Type"])
            for name in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
                self.assertIn(name, headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            status, deep, _ = local.call("GET", f"/transactions/{TRACE}")
            self.assertEqual((status, deep), (200, body))
            self.assertEqual(local.call("GET", "/", headers={"If-None-Match": headers["ETag"]})[0], 304)
            status, packed, packed_headers = local.call("GET", "/", headers={"Accept-Encoding": "gzip"})
            if packed_headers["Content-Encoding"] == "gzip":
                self.assertEqual(gzip.decompress(packed), body)
                self.assertNotEqual(packed_headers["ETag"], headers["ETag"])
            for path in ("/missing.js", "/../etc/os.conf", "/%2e%2e/%2e%2e/etc/os.conf", "/api/v2/x", "/api", "/%zz"):
                self.assertIn(local.call("GET", path)[0], (400, 404), path)
            self.assertEqual(local.call("GET", "/../etc/passwd")[1], body)

    def test_ui_dir_stays_inside(self):
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "index.html").write_text("<p>mine</p>", encoding="utf-8")
            os.symlink("/etc/hostname", pathlib.Path(directory) / "leak.txt")
            with Local("--ui-dir", directory) as local:
                self.assertIn(b"mine", local.call("GET", "/")[1])
                self.assertIn(b"mine", local.call("GET", "/transactions/x")[1])
                for path in ("/../../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2f..%2f..%2fetc/passwd"):
                    self.assertNotIn("root:", str(local.call("GET", path)[1]), path)
                self.assertEqual(local.call("GET", "/leak.txt")[0], 404)


class Ingestion(unittest.TestCase):
    def test_forms_of_bodies(self):
        one = json.dumps(envelope())
        with Local() as local:
            bodies = [(one, {}), (f"[{one}]", {}), (f"{one}\n", {"Content-Type": "application/x-json-stream"}),
                      (gzip.compress(one.encode()), {"Content-Encoding": "gzip"})]
            for count, (body, headers) in enumerate(bodies, 1):
                status, answer, _ = local.call("POST", "/v2.1/track" if count % 2 else "/v2/track", body, headers)
                self.assertEqual(status, 200, answer)
                self.assertEqual((answer["itemsReceived"], answer["itemsAccepted"], answer["errors"]), (1, 1, []))
                # Answered is visible: no waiting.
                self.assertEqual(local.api("stats")["bySource"]["breeze"], count)
            self.assertEqual(local.call("POST", "//v2.1/track", one)[0], 200)
            self.assertEqual(local.call("POST", "///v2/track", one)[0], 200)

    def test_partial_errors_name_their_items(self):
        bad = envelope(2)
        del bad["data"]["baseData"]["duration"]
        with Local() as local:
            status, answer, _ = local.track([envelope(1), bad, envelope(3)])
            self.assertEqual(status, 206)
            self.assertEqual((answer["itemsReceived"], answer["itemsAccepted"]), (3, 2))
            self.assertEqual([(error["index"], error["statusCode"]) for error in answer["errors"]], [(1, 400)])
            self.assertIn("duration", answer["errors"][0]["message"])
            self.assertEqual(local.api("stats")["rejected"], 1)
            for body in ("", "nonsense", "[]", json.dumps([bad])):
                self.assertEqual(local.track(body)[0], 400, body)
            self.assertEqual(local.api("stats")["items"], 2)
        with Local("--loose") as local:
            self.assertEqual(local.track([bad])[0], 200)

    def test_too_large_and_badly_packed_bodies(self):
        with Local() as local:
            bomb = gzip.compress(b" " * (20 << 20))
            self.assertEqual(local.track(bomb, **{"Content-Encoding": "gzip"})[0], 413)
            self.assertEqual(local.track(b"no gzip", **{"Content-Encoding": "gzip"})[0], 400)
            self.assertEqual(local.track(b"x", **{"Content-Encoding": "br"})[0], 415)
            self.assertEqual(local.api("stats")["items"], 0)

    def test_cors_is_for_ingestion_alone(self):
        with Local() as local:
            asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
            status, _, headers = local.call("OPTIONS", "/v2/track", headers=asked)
            self.assertIn(status, (200, 204))
            self.assertEqual((headers["Access-Control-Allow-Origin"], headers["Access-Control-Allow-Headers"]), ("*", "content-type"))
            self.assertEqual(local.track([envelope()])[2]["Access-Control-Allow-Origin"], "*")
            self.assertIsNone(local.call("OPTIONS", "/api/v1/stats", headers=asked)[2]["Access-Control-Allow-Origin"])

    def test_live_metrics_are_asked_for_while_somebody_looks(self):
        with Local() as local:
            def ping(kind="ping", body="{}"):
                return local.call("POST", f"/QuickPulseService.svc/{kind}?api-version=2024-04-01-preview&ikey={KEY}", body)
            status, answer, headers = ping()
            self.assertEqual((status, headers["x-ms-qps-subscribed"], answer["DocumentStreams"]), (200, "false", []))
            self.assertGreaterEqual(int(headers["x-ms-qps-service-polling-interval-hint"]), 1000)
            self.assertEqual(local.api("live/metrics")["servers"], [])
            status, answer, headers = ping()
            self.assertEqual((status, headers["x-ms-qps-subscribed"], headers["x-ms-qps-configuration-etag"]), (200, "true", answer["ETag"]))
            point = {"RoleName": "shop", "Instance": "i", "StreamId": "s", "Metrics": [{"Name": "\\ApplicationInsights\\Requests/Sec", "Value": 7, "Weight": 1}], "Documents": []}
            self.assertEqual(ping("post", json.dumps([point]))[2]["x-ms-qps-subscribed"], "true")
            self.assertEqual(ping("post", "no json")[0], 400)
            local.track([envelope()])
            servers = {server["source"]: server for server in local.api("live/metrics")["servers"]}
            self.assertEqual(sorted(servers), ["breeze", "live"])
            self.assertEqual(servers["live"]["points"][-1]["requests"], 7)

    def test_otlp_json_and_protobuf_on_both_ports(self):
        with Local() as local:
            count = 0
            for base in ("page", "otlpHttp"):
                for packed in (False, True):
                    for kind, body in (("application/json", json.dumps(otlp_json(count + 1)).encode()), ("application/x-protobuf", otlp_protobuf(count + 100))):
                        headers = {"Content-Type": kind} | ({"Content-Encoding": "gzip"} if packed else {})
                        status, _, answer = local.call("POST", "/v1/traces", gzip.compress(body) if packed else body, headers, base)
                        self.assertEqual((status, answer["Content-Type"]), (200, kind))
                        count += 1
                        self.assertEqual(local.api("stats")["bySource"]["otlp"], count)
            for kind in ("text/plain", "application/xml", ""):
                self.assertEqual(local.call("POST", "/v1/traces", b"{}", {"Content-Type": kind}, "otlpHttp")[0], 415, kind)
            self.assertEqual(local.call("POST", "/v1/traces", b"\x0a\xff", {"Content-Type": "application/x-protobuf"}, "otlpHttp")[0], 400)
            status, answer, _ = local.call("POST", "/v1/traces", b"{", {"Content-Type": "application/json"}, "otlpHttp")
            self.assertEqual((status, answer["code"]), (400, 3))
            for path in ("/v1/logs", "/v1/metrics"):
                self.assertEqual(local.call("POST", path, b"{}", {"Content-Type": "application/json"}, "otlpHttp")[0], 200)
            bad = otlp_json()
            bad["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = ""
            status, answer, _ = local.call("POST", "/v1/traces", bad, {"Content-Type": "application/json"}, "otlpHttp")
            self.assertEqual((status, answer["partialSuccess"]["rejectedSpans"]), (200, "1"))

    def test_one_span_both_ways(self):
        with Local() as local:
            local.track([envelope()])
            local.call("POST", "/v1/traces", otlp_json(), {"Content-Type": "application/json"})
            answer = local.api("transactions")
            self.assertEqual(answer["total"], 1)
            found = answer["transactions"][0]
            self.assertEqual((found["operation_Id"], found["items"], found["sources"], found["name"], found["roles"], found["duration"]),
                             (TRACE, 1, ["breeze", "otlp"], "POST /orders", ["order-processor"], 100))
            items = local.api(f"transactions/{TRACE}")["items"]
            self.assertEqual(len(items), 2)
            breeze, otlp = items
            for name in ("id", "timestamp", "duration", "name", "operation_Id", "itemType", "success", "resultCode", "cloud_RoleName"):
                self.assertEqual(breeze[name], otlp[name], name)
            self.assertEqual(local.api(f"items/{breeze['seq']}/raw"), envelope())
            raw = local.api(f"items/{otlp['seq']}/raw")
            self.assertEqual(raw, otlp_json())


class Reading(unittest.TestCase):
    def test_pages_filters_and_problems(self):
        with Local() as local:
            local.track([envelope(number, trace=f"{number:032x}", success=number % 4 != 0) for number in range(1, 41)])
            seen, cursor = [], None
            while True:
                page = local.api("transactions?limit=7" + (f"&cursor={cursor}" if cursor else ""))
                self.assertEqual(page["total"], 40)
                seen += [row["operation_Id"] for row in page["transactions"]]
                cursor = page["next"]
                if cursor is None:
                    break
            self.assertEqual(len(seen), 40)
            self.assertEqual(len(set(seen)), 40)
            self.assertEqual(local.api("transactions?result=failed")["total"], 10)
            self.assertEqual(local.api("transactions?search=order.id%3A17")["total"], 0)
            self.assertEqual(local.api("transactions?search=17+orders")["total"], 1)
            self.assertEqual(local.api("transactions?since=2026-11-25T00:00:00Z")["total"], 0)
            self.assertEqual(len(local.api("items?where=customDimensions.order.id%3D17")["items"]), 1)
            self.assertEqual(len(local.api("items?itemType=dependency")["items"]), 0)
            histogram = local.api("transactions?limit=1")["histogram"]
            self.assertEqual(sum(bucket["ok"] + bucket["failed"] for bucket in histogram["counts"]), 40)
            for path in ("transactions?limit=0", "transactions?result=x", "items?where=x", "transactions?surprise=1"):
                status, answer, headers = local.call("GET", f"/api/v1/{path}")
                self.assertEqual((status, headers["Content-Type"]), (400, "application/problem+json"), path)
                self.assertTrue(answer["detail"])
            for path in ("transactions/unknown", "items/99999/raw", "items/x/raw", "nothing"):
                status, _, headers = local.call("GET", f"/api/v1/{path}")
                self.assertEqual((status, headers["Content-Type"]), (404, "application/problem+json"), path)

    def test_live_tells_changes_and_resets(self):
        with Local() as local:
            url = urllib.parse.urlsplit(local.ready["page"])
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
            connection.request("GET", "/api/v1/live")
            response = connection.getresponse()
            self.assertEqual(response.headers["Content-Type"], "text/event-stream")
            lines, done = [], threading.Event()

            def read():
                while not done.is_set():
                    line = response.readline()
                    if not line:
                        return
                    lines.append(line.decode().rstrip())
                    if line.startswith(b"event: reset"):
                        done.set()

            reader = threading.Thread(target=read)
            reader.start()
            started = time.monotonic()
            for number in range(1, 40):
                local.track([envelope(number)])
            self.assertEqual(local.call("POST", "/api/v1/reset", headers={"X-Azmon-Local": "1"})[0], 200)
            self.assertTrue(done.wait(10), lines)
            took = time.monotonic() - started
            reader.join(10)
            response.close()
            connection.close()
            changes = [line for line in lines if line == "event: change"]
            self.assertGreaterEqual(len(changes), 1)
            self.assertLessEqual(len(changes), took * 4 + 2)
            self.assertEqual(local.api("stats")["items"], 0)
            # An open stream does not hold up the end.
            before = time.monotonic()
            self.assertEqual(local.stop(), 0)
            self.assertLess(time.monotonic() - before, 5)

    def test_wait(self):
        with Local() as local:
            def wait(*arguments):
                return subprocess.run([PROGRAM, "wait", "--url", local.ready["page"], *arguments], capture_output=True, text=True, timeout=30, check=False)
            late = threading.Timer(0.5, lambda: local.track([envelope(1), envelope(2)]))
            late.start()
            done = wait("--operation-id", TRACE, "--count", "2")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(wait("--where", "customDimensions.order.id=2", "--where=itemType=request", "--count=1").returncode, 0)
            done = wait("--where=customDimensions.order.id=3", "--timeout", "300ms")
            self.assertEqual(done.returncode, 1)
            self.assertIn("0 of 1", done.stderr)
            self.assertIn("POST /orders", done.stderr)
            done = wait("--count=3", "--timeout=100ms")
            self.assertEqual(done.returncode, 1)
            self.assertIn("2 of 3", done.stderr)
            self.assertEqual(wait("--count=0").returncode, 0)
            self.assertEqual(wait("--count=x").returncode, 2)
        done = subprocess.run([PROGRAM, "wait", "--url=http://127.0.0.1:1", "--timeout=200ms"], capture_output=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)


class Running(unittest.TestCase):
    def run_with(self, *command):
        foreign = {"OTLP_EXPORT_ENDPOINT": "http://foreign.invalid:4317", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://foreign.invalid:4318"}
        return subprocess.run([PROGRAM, "--silent", "--port=0", "--otlp-grpc-port=0", "--otlp-http-port=0", "run", "--", *command],
                              capture_output=True, text=True, timeout=60, check=False, env=os.environ | foreign)

    def test_sets_the_variables_and_gives_the_exit_code(self):
        done = self.run_with(sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
        self.assertEqual(done.returncode, 0, done.stderr)
        variables = json.loads(done.stdout)
        self.assertTrue(variables["APPLICATIONINSIGHTS_CONNECTION_STRING"].startswith(f"InstrumentationKey={KEY};"))
        self.assertTrue(variables["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("http://127.0.0.1:"))
        self.assertEqual(variables["OTEL_EXPORTER_OTLP_PROTOCOL"], "http/protobuf")
        self.assertEqual(variables["OTEL_TRACES_SAMPLER"], "always_on")
        self.assertNotIn("OTLP_EXPORT_ENDPOINT", variables)
        self.assertNotIn("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", variables)
        self.assertEqual(self.run_with("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.run_with("sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.run_with("/nowhere/at/all").returncode, 1)

    def test_passes_signals_on(self):
        process = subprocess.Popen([PROGRAM, "--silent", "--port=0", "--otlp-grpc-port=0", "--otlp-http-port=0", "run", "--", "sh", "-c",
                                    "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"], stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 5)
        process.stdout.close()


class Durability(unittest.TestCase):
    def test_a_restart_keeps_everything(self):
        with tempfile.TemporaryDirectory() as directory:
            with Local("--location", directory) as local:
                local.track([envelope(number) for number in range(1, 11)])
                self.assertEqual(local.stop(), 0)
                local.start()
                self.assertEqual(local.api("stats")["items"], 10)
                self.assertEqual(local.api("transactions")["transactions"][0]["items"], 10)
                self.assertEqual(local.api("items/3/raw"), envelope(3))
                second = subprocess.run([PROGRAM, "--port=0", "--otlp-grpc-port=0", "--otlp-http-port=0", "--location", directory],
                                        capture_output=True, timeout=20, check=False)
                self.assertEqual(second.returncode, 1)
                self.assertIn(b"another azmon-local", second.stderr)

    def test_kill_9_loses_nothing_that_was_answered(self):
        with tempfile.TemporaryDirectory() as directory:
            with Local("--location", directory) as local:
                acknowledged, lock, stop = set(), threading.Lock(), threading.Event()

                def send(sender: int):
                    number = sender * 1_000_000
                    while not stop.is_set():
                        number += 1
                        try:
                            status, _, _ = local.track([envelope(number)])
                        except (OSError, http.client.HTTPException):
                            return
                        if status == 200:
                            with lock:
                                acknowledged.add(f"{number:016x}")

                for _ in range(3):
                    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
                    for sender in senders:
                        sender.start()
                    time.sleep(0.4)
                    local.process.kill()
                    local.process.wait(timeout=20)
                    local.process.stderr.close()
                    stop.set()
                    for sender in senders:
                        sender.join(20)
                    stop.clear()
                    local.ready_file.unlink()
                    local.start()
                    kept = {item["id"] for item in local.api(f"transactions/{TRACE}")["items"]}
                    self.assertTrue(acknowledged)
                    self.assertEqual(acknowledged - kept, set())
                    self.assertEqual(local.api("stats")["items"], len(local.api(f"transactions/{TRACE}")["items"]))
                self.assertEqual(local.stop(), 0)

    def test_memory_leaves_nothing_behind(self):
        def leftovers():
            return {path for parent in ("/dev/shm", os.environ.get("TMPDIR", "/tmp")) for path in pathlib.Path(parent).glob("azmon-local-??????")}
        before = leftovers()
        with Local() as local:
            mine = leftovers() - before
            local.track([envelope()])
            local.process.kill()
            local.process.wait(timeout=20)
            local.process.stderr.close()
            local.ready_file.unlink()
            local.start()
            self.assertEqual(local.api("stats")["items"], 0)
            self.assertFalse(mine & leftovers(), "the killed one's data is still there")
            mine = leftovers() - before
            self.assertEqual(local.stop(), 0)
            self.assertFalse(mine & leftovers())


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
