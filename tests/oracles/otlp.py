# SPDX-License-Identifier: MIT
"""OTLP over HTTP as it arrives: a sink, and a form in which equal telemetry of two programs is equal text."""

import base64
import gzip
import http.server
import json
import pathlib
import re
import subprocess
import threading

SIGNALS = ("traces", "logs", "metrics")
# Attributes of a resource by which two SDKs on two runtimes may differ; everything else of it is compared.
_RUNTIME = re.compile(r"^(telemetry\.|process\.|host\.|os\.|service\.instance\.id$)")
_TIMES = re.compile(r"TimeUnixNano$|^timeUnixNano$")
_BODY_BYTES_MAX = 16 * 1024 * 1024


class Sink:
    """An OTLP/HTTP endpoint that keeps the requests' bodies: `with Sink() as sink:`."""

    def __init__(self):
        self.bodies: list[tuple[str, bytes]] = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self._body()
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                signal = self.path.rsplit("/", 1)[-1]
                sink.bodies.append((signal, body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _BODY_BYTES_MAX))
                body = b""
                while len(body) < _BODY_BYTES_MAX and (length := int(self.rfile.readline().split(b";")[0], 16)):
                    body += self.rfile.read(length)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def requests(self, otlp_json: pathlib.Path) -> dict[str, list[dict]]:
        """Signal → its requests, read by the official protobuf classes."""
        found: dict[str, list[dict]] = {signal: [] for signal in SIGNALS}
        for signal, body in list(self.bodies):
            result = subprocess.run([str(otlp_json), signal], input=body, capture_output=True, check=True)
            found[signal].append(json.loads(result.stdout))
        return found


def value_of(any_value: dict):
    """An AnyValue as (kind, value): an integer is not a double."""
    if not any_value:
        return ("none", None)
    (kind, value), = any_value.items()
    if kind == "intValue":
        return ("int", int(value))
    if kind == "doubleValue":
        return ("double", float(value))
    if kind == "arrayValue":
        return ("array", [value_of(element) for element in value.get("values", [])])
    if kind == "kvlistValue":
        return ("map", attributes_of(value.get("values", [])))
    return (kind, value)


def attributes_of(pairs: list[dict]) -> dict:
    """Attributes are a map: their order says nothing, a key twice would."""
    found = {pair.get("key", ""): value_of(pair.get("value", {})) for pair in pairs}
    if len(found) != len(pairs):
        raise ValueError(f"a key stands twice: {pairs}")
    return dict(sorted(found.items()))


def identifier(text: str) -> str:
    """Lower-case hexadecimal; protobuf's own JSON has base64, OTLP's hexadecimal."""
    if re.fullmatch(r"([0-9a-f]{16}|[0-9a-f]{32})?", text):
        return text
    return base64.b64decode(text).hex()


def _plain(message: dict, names: dict[str, str]) -> dict:
    """One message with times and ids that a run makes anew replaced by what they are."""
    plain = {}
    for key, value in message.items():
        if key in ("traceId", "spanId", "parentSpanId"):
            plain[key] = names.get(identifier(value), identifier(value))
        elif _TIMES.search(key):
            plain[key] = "a time" if int(value) else "0"
        elif key == "attributes":
            plain[key] = attributes_of(value)
        elif key == "body":
            if value:  # a body that was never set may be written as an empty one
                plain[key] = value_of(value)
        elif isinstance(value, dict):
            plain[key] = _plain(value, names)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            plain[key] = [_plain(element, names) for element in value]
        elif key in ("count", "asInt", "bucketCounts", "zeroCount"):
            plain[key] = [int(number) for number in value] if isinstance(value, list) else int(value)
        else:
            plain[key] = value
    return {key: value for key, value in plain.items() if value not in ("", 0, False, [], {}, "0") or key in ("asInt", "asDouble", "body")}


def _names(requests: dict[str, list[dict]]) -> dict[str, str]:
    """Ids of spans and traces → the name of the span, and of the trace's first span in alphabetical order."""
    names, roots = {}, {}
    for request in requests["traces"]:
        for resource in request.get("resourceSpans", []):
            for scope in resource.get("scopeSpans", []):
                for span in scope.get("spans", []):
                    names[identifier(span["spanId"])] = f"<{span['name']}>"
                    roots.setdefault(identifier(span["traceId"]), []).append(span["name"])
    return names | {trace: f"<trace of {min(spans)}>" for trace, spans in roots.items()}


def comparable(requests: dict[str, list[dict]]) -> list[str]:
    """One line an item, sorted: signal, resource, scope, and the item with all its fields."""
    names, lines = _names(requests), []
    for signal, over, under, items in (("traces", "resourceSpans", "scopeSpans", "spans"), ("logs", "resourceLogs", "scopeLogs", "logRecords"),
                                       ("metrics", "resourceMetrics", "scopeMetrics", "metrics")):
        for request in requests[signal]:
            for resource in request.get(over, []):
                of_resource = {key: value for key, value in attributes_of(resource.get("resource", {}).get("attributes", [])).items()
                               if not _RUNTIME.match(key)}
                for scope in resource.get(under, []):
                    for item in scope.get(items, []):
                        plain = _plain(item, names)
                        for data in plain.values():
                            if isinstance(data, dict) and "dataPoints" in data:
                                data["dataPoints"].sort(key=lambda point: json.dumps(point, sort_keys=True))
                        line = json.dumps({"signal": signal, "resource": of_resource, "scope": _plain(scope.get("scope", {}), names),
                                           "schemaUrl": scope.get("schemaUrl", ""), "item": plain}, sort_keys=True, ensure_ascii=False)
                        # A reader may collect once more at the end; an unchanged state told twice says nothing new.
                        if signal != "metrics" or line not in lines:
                            lines.append(line)
    return sorted(lines)


def differences(expected: list[str], found: list[str]) -> list[str]:
    """Lines of one side alone, told field by field where an item of the same name stands on the other side."""
    def title(line: str) -> str:
        item = json.loads(line)["item"]
        return json.loads(line)["signal"] + " " + str(item.get("name") or item.get("eventName") or item.get("body"))

    missing, extra = [line for line in expected if line not in found], [line for line in found if line not in expected]
    told = []
    for line in missing:
        other = next((candidate for candidate in extra if title(candidate) == title(line)), None)
        if other is None:
            told.append(f"missing: {line[:600]}")
            continue
        extra.remove(other)
        told += [f"{title(line)}: {text}" for text in _fields(json.loads(line), json.loads(other), "")]
    told += [f"more than expected: {line[:600]}" for line in extra]
    if not told and len(expected) != len(found):
        told.append(f"{len(found)} items instead of {len(expected)}")
    return told


def _fields(expected, found, path: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        return [text for key in sorted(expected.keys() | found.keys()) if expected.get(key) != found.get(key)
                for text in _fields(expected.get(key), found.get(key), f"{path}.{key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [text for number, (one, other) in enumerate(zip(expected, found)) if one != other for text in _fields(one, other, f"{path}[{number}]")]
    return [f"{path}: {str(expected)[:200]} became {str(found)[:200]}"]
