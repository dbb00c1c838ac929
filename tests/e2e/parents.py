#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""4,096 orders with random and with hostile trace headers: every span hangs under the right one, none is an error.

A valid `traceparent` is continued; anything else starts a new trace. Rules: W3C Trace Context, "traceparent Header".
"""

import concurrent.futures
import dataclasses
import json
import random
import socket
import time

from support import Checks, System, default_programs, run, say, seed, trace, work_directory

_ORDERS = 4096
_AT_ONCE = 8
_HEX = "0123456789abcdef"


@dataclasses.dataclass
class Case:
    name: str
    headers: list[tuple[str, bytes]]
    trace_id: str = ""  # of the trace that must be continued; empty: a new one
    parent_id: str = ""
    either: bool = False  # continued or new: both are right
    order_id: str = ""


def hexadecimal(draw: random.Random, digits: int) -> str:
    while True:
        # A leading zero every second time: the sample that this project stands on lost them.
        text = ("0" if draw.random() < 0.5 else "") + "".join(draw.choice(_HEX) for _ in range(digits))
        if text[:digits].strip("0"):
            return text[:digits]


def tracestate(draw: random.Random) -> bytes:
    members = [f"{''.join(draw.choice('abcxyz019_-*/') for _ in range(5)).lower()}=" + "".join(
        chr(draw.choice([code for code in range(0x21, 0x7F) if chr(code) not in ",="])) for _ in range(draw.randint(1, 20)))
        for _ in range(draw.randint(1, 8))]
    return ",".join("a" + member for member in members).encode()


def baggage(draw: random.Random) -> bytes:
    return ",".join(f"key{number}={draw.getrandbits(60):x};p=1" for number in range(draw.randint(1, 10))).encode()


def valid(draw: random.Random) -> Case:
    trace_id, parent_id = hexadecimal(draw, 32), hexadecimal(draw, 16)
    flags = draw.choice(["00", "01", "01", "ff", "03"])
    name, value = draw.choice([
        ("version 00", f"00-{trace_id}-{parent_id}-{flags}"),
        ("version 00", f"00-{trace_id}-{parent_id}-{flags}"),
        ("white space around it", f" \t00-{trace_id}-{parent_id}-{flags} "),
        ("a later version", f"01-{trace_id}-{parent_id}-{flags}"),
        ("a later version that goes on", f"cc-{trace_id}-{parent_id}-{flags}-what-the-future-holds"),
    ])
    headers = [(draw.choice(["traceparent", "Traceparent", "TRACEPARENT"]), value.encode())]
    if draw.random() < 0.6:
        headers.append(("tracestate", tracestate(draw)))
    if draw.random() < 0.4:
        headers.append(("baggage", baggage(draw)))
    return Case(name, headers, trace_id, parent_id)


def hostile(draw: random.Random) -> Case:
    trace_id, parent_id = hexadecimal(draw, 32), hexadecimal(draw, 16)
    good = f"00-{trace_id}-{parent_id}-01"
    upper = good.upper() if good.upper() != good else good[:-2] + "0X"
    cases = [
        ("none at all", []),
        ("upper case", [("traceparent", upper.encode())]),
        ("all-zero trace id", [("traceparent", f"00-{'0' * 32}-{parent_id}-01".encode())]),
        ("all-zero parent id", [("traceparent", f"00-{trace_id}-{'0' * 16}-01".encode())]),
        ("version ff", [("traceparent", f"ff-{trace_id}-{parent_id}-01".encode())]),
        ("version 00 that goes on", [("traceparent", (good + "-01").encode())]),
        ("a later version without its dash", [("traceparent", f"01-{trace_id}-{parent_id}-01x".encode())]),
        ("cut short", [("traceparent", good[:draw.randint(1, 54)].encode())]),
        ("empty", [("traceparent", b"")]),
        ("no dashes", [("traceparent", good.replace("-", "_").encode())]),
        ("not hexadecimal", [("traceparent", good.replace(trace_id[5], "g", 1).encode() if trace_id[5] not in "01-" else b"00-zz" + good[5:].encode())]),
        ("bytes above 127", [("traceparent", bytes(draw.randint(0x80, 0xFF) for _ in range(55)))]),
        ("long", [("traceparent", good.encode() * 40)]),
        ("format characters", [("traceparent", b"%s%n%x-{}-${jndi:x}-' OR 1=1 --<script>")]),
        ("a tracestate alone", [("tracestate", tracestate(draw))]),
        ("baggage that is none", [("baggage", b"=,;=;,%zz=%,\xff\xfe=" + b"," * 200)]),
    ]
    name, headers = draw.choice(cases)
    if draw.random() < 0.3:
        headers = headers + [("baggage", bytes(draw.choice(range(0x21, 0x7F)) for _ in range(300)))]
    return Case(name, headers)


def valid_with_hostile_company(draw: random.Random) -> Case:
    """A good traceparent is continued whatever stands beside it."""
    case = valid(draw)
    company = draw.choice([
        [("tracestate", b"=,=,=")], [("tracestate", b"a=" + b"x" * 3000)], [("tracestate", b",".join(b"k%d=v" % number for number in range(60)))],
        [("tracestate", b"a=1"), ("tracestate", b"b=2")], [("baggage", b"a" * 4000)], [("baggage", b"k=%00%0d%0a")],
    ])
    return Case("a good one beside " + company[0][0] + " of no form", case.headers[:1] + company, case.trace_id, case.parent_id)


def twice(draw: random.Random) -> Case:
    first, second = valid(draw), valid(draw)
    return Case("two of them", first.headers[:1] + second.headers[:1], first.trace_id, first.parent_id, either=True)


class Client:
    """HTTP/1.1 by hand, because a client library refuses to send such headers."""

    def __init__(self, port: int):
        self._port = port
        self._socket = None
        self._rest = b""

    def post(self, case: Case) -> int:
        body = json.dumps({"orderId": case.order_id}).encode()
        head = b"POST /orders HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (self._port, len(body))
        request = head + b"".join(name.encode() + b": " + value + b"\r\n" for name, value in case.headers) + b"\r\n" + body
        for attempt in (1, 2):
            if self._socket is None:
                self._socket, self._rest = socket.create_connection(("127.0.0.1", self._port), 15), b""
            try:
                self._socket.sendall(request)
                return self._answer()
            except OSError:
                self._socket.close()
                self._socket = None
                if attempt == 2:
                    return 0
        return 0

    def _answer(self) -> int:
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
        length = int(headers.get("content-length", "0"))
        while len(data) < length:
            data += self._receive()
        self._rest = data[length:]
        if headers.get("connection", "").lower() == "close":
            self._socket.close()
            self._socket = None
        return int(lines[0].split(" ")[1])

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        return data


def send_all(port: int, cases: list[Case]) -> dict[str, int]:
    def some(part: list[Case]) -> dict[str, int]:
        client = Client(port)
        return {case.order_id: client.post(case) for case in part}

    statuses: dict[str, int] = {}
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        for part in pool.map(some, [cases[number::_AT_ONCE] for number in range(_AT_ONCE)]):
            statuses |= part
    return statuses


def traces_by_order(system: System, seconds: float, wanted: int) -> dict[str, tuple[str, list[dict]]]:
    """order id → its trace id and items, once `wanted` orders are whole by both ways, or when the time is up."""
    done: dict[str, tuple[str, list[dict]]] = {}
    finished: set[str] = set()
    deadline = time.monotonic() + seconds
    while True:
        cursor = ""
        while True:
            answer = system.local.api(f"transactions?limit=200{cursor}")
            for transaction in answer["transactions"]:
                trace_id = transaction["operation_Id"]
                if trace_id in finished:
                    continue
                items = system.local.items(trace_id)
                for item in items:
                    order_id = (item.get("customDimensions") or {}).get("order.id")
                    if order_id:
                        done[str(order_id)] = (trace_id, items)
                if all(len(trace.spans(items, source)) >= 7 for source in ("breeze", "otlp")):
                    finished.add(trace_id)
            following = answer.get("next") or answer.get("cursor")
            if not following:
                break
            cursor = f"&cursor={following}"
        if len(finished) >= wanted or time.monotonic() > deadline:
            return done
        time.sleep(0.5)


def test(checks: Checks):
    draw = random.Random(seed())
    kinds = [valid] * 4 + [hostile] * 4 + [valid_with_hostile_company, twice]
    cases = [draw.choice(kinds)(draw) for _ in range(_ORDERS)]
    for number, case in enumerate(cases):
        case.order_id = f"p-{number}-{draw.getrandbits(40):x}"
    with System(default_programs(), work_directory("parents")) as system:
        statuses = send_all(system.ports["order-processor"], cases)
        refused = [(case.name, statuses[case.order_id]) for case in cases if statuses[case.order_id] != 200]
        checks.that(not refused, f"{_ORDERS} orders with any trace header are accepted", str(refused[:5]))
        found = traces_by_order(system, 300, _ORDERS)
        wrong: dict[str, list[str]] = {}
        for case in cases:
            trace_id, items = found.get(case.order_id, ("", []))
            for problem in problems_of(case, trace_id, items):
                wrong.setdefault(case.name, []).append(f"order {case.order_id}, trace {trace_id}: {problem}")
        for name in sorted({case.name for case in cases}):
            number = sum(case.name == name for case in cases)
            checks.that(name not in wrong, f"traceparent: {name} ({number} orders)", "\n        ".join(wrong.get(name, [])[:3]))
        new = [found[case.order_id][0] for case in cases if not case.trace_id and case.order_id in found]
        checks.that(len(new) == len(set(new)), "no two new traces are the same one")
        say(f"orders: {len(cases)}, continued: {sum(bool(case.trace_id) and not case.either for case in cases)}, new: {len(new)}")


def problems_of(case: Case, trace_id: str, items: list[dict]) -> list[str]:
    if not trace_id:
        return ["no trace has its order id"]
    continued = trace_id == case.trace_id
    if case.trace_id and not continued and not case.either:
        return [f"not continued, expected trace {case.trace_id}"]
    if case.either and not continued and any(trace_id in value.decode("latin-1") for _, value in case.headers):
        return []  # the second of two was continued; its parent is checked by the cases that have one
    found = []
    for source in ("breeze", "otlp"):
        for problem in trace.problems(items, source, trace.STEPS[2:], case.parent_id if continued else ""):
            found.append(f"by {source}: {problem}")
    return found


if __name__ == "__main__":
    run(test)
