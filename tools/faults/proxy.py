#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A proxy that breaks HTTP/1.1 connections by rules: rules.py names them.

As a program:  tools/faults/proxy.py --to HOST:PORT [--listen PORT] [--rule 'on 3.. status 503']… [--seed N] [--ready-json FILE]
It runs until SIGTERM and then prints what it did as one JSON line. In a test: `with FaultProxy(("127.0.0.1", port)) as proxy:`, and
`proxy.rules("on 1 cut response 0")` at any moment. Loopback only: it is a tool for tests and has no other use.
"""

import argparse
import asyncio
import dataclasses
import json
import os
import pathlib
import random
import signal
import socket
import struct
import sys
import threading

if __package__:
    from . import rules as rule_lines
else:
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    import rules as rule_lines

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 16 * 1024 * 1024
CONNECTIONS_MAX = 1000


class _Cut(Exception):
    """The connection ends here, by a reset."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends with RST rather than FIN, as a dying peer does."""
    endpoint = writer.get_extra_info("socket")
    if endpoint is not None:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclasses.dataclass
class _Message:
    """One request or answer, whole."""
    start: str
    head: bytes
    body: bytes

    def bytes(self) -> bytes:
        return self.head + self.body


async def _read_message(reader: asyncio.StreamReader, answers: str | None = None) -> _Message | None:
    """Reads one message; None where the peer closed between messages.

    @param answers  the method that an answer belongs to; absent for a request
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise _Cut from end
        return None
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = b""
    has_body = answers is None or not (answers == "HEAD" or lines[0].split(" ")[1:2] in (["204"], ["304"]))
    if has_body and headers.get("transfer-encoding", "").lower() == "chunked":
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            body += line + await reader.readexactly(size + 2)
            if size == 0:
                break
            if len(body) > BODY_BYTES_MAX:
                raise _Cut
    elif has_body and "content-length" in headers:
        if int(headers["content-length"]) > BODY_BYTES_MAX:
            raise _Cut
        body = await reader.readexactly(int(headers["content-length"]))
    elif has_body and answers is not None:
        body = await reader.read(BODY_BYTES_MAX)
    return _Message(start=lines[0], head=head, body=body)


class FaultProxy:
    """Runs on a thread of its own until the `with` ends. `port` is where to connect; `requests` and `log` tell what passed."""

    def __init__(self, target: tuple[str, int], rules: str = "", port: int = 0, seed: int = 1):
        self.target, self.port = target, port
        self.requests = 0
        self.log: list[str] = []  # one line a request: number, start line, what was done
        self._rules = rule_lines.parse_all(rules)
        self._draw = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task] = set()
        self._server = None
        self._thread = None

    def rules(self, text: str) -> None:
        """Replaces all rules from the next request on; counting begins anew. @raises BadRule"""
        self._rules = rule_lines.parse_all(text)

    def __enter__(self) -> "FaultProxy":
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=HEAD_BYTES_MAX))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="faults", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(self._tasks) >= CONNECTIONS_MAX:
            _reset(writer)
            return
        self._tasks.add(task)
        upstream: list = []
        try:
            while (request := await _read_message(reader)) is not None:
                await self._serve(request, writer, upstream)
            writer.close()
        except (_Cut, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _reset(writer)
            if upstream:
                _reset(upstream[1])
        except asyncio.CancelledError:
            _reset(writer)
        finally:
            if upstream:
                upstream[1].close()
            self._tasks.discard(task)

    def _take_rule(self, method: str) -> rule_lines.Rule | None:
        taken = None
        for rule in self._rules:
            if rule.matches(method, self._draw) and taken is None:
                rule.taken += 1
                taken = rule
        return taken

    async def _serve(self, request: _Message, writer: asyncio.StreamWriter, upstream: list) -> None:
        self.requests += 1
        method = request.start.split(" ")[0]
        rule = self._take_rule(method)
        verb, arguments = (rule.verb, rule.arguments) if rule else ("pass", [])
        self.log.append(f"{self.requests} {request.start} {rule.line if rule else 'pass'}")
        if verb == "refuse":
            raise _Cut
        if verb == "noop":
            await asyncio.Event().wait()
        if verb in ("status", "redirect"):
            await self._answer(writer, verb, arguments)
            return
        if verb == "delay":
            await asyncio.sleep(rule_lines.seconds(arguments[0]))
        if not upstream:
            upstream.extend(await asyncio.open_connection(*self.target, limit=HEAD_BYTES_MAX))
        if verb == "cut" and arguments[0] == "request":
            upstream[1].write(request.bytes()[:int(arguments[1])])
            await upstream[1].drain()
            raise _Cut
        upstream[1].write(request.bytes())
        await upstream[1].drain()
        answer = await _read_message(upstream[0], answers=method)
        if answer is None:
            raise _Cut
        await self._forward(answer, writer, verb, arguments)

    @staticmethod
    async def _answer(writer: asyncio.StreamWriter, verb: str, arguments: list[str]) -> None:
        status, header = (arguments[0], "") if verb == "status" else ("307", f"Location: {arguments[0]}\r\n")
        if verb == "status" and len(arguments) == 3:
            header = f"Retry-After: {arguments[2]}\r\n"
        writer.write(f"HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\n{header}\r\n".encode())
        await writer.drain()

    async def _forward(self, answer: _Message, writer: asyncio.StreamWriter, verb: str, arguments: list[str]) -> None:
        data = answer.bytes()
        if verb == "corrupt" and answer.body:
            at = len(answer.head) + self._draw.randrange(len(answer.body))
            data = data[:at] + bytes([data[at] ^ (1 << self._draw.randrange(8))]) + data[at + 1:]
        if verb == "cut":
            writer.write(data[:int(arguments[1])])
            await writer.drain()
            raise _Cut
        if verb == "limit":
            rate = int(arguments[0])
            for at in range(0, len(data), max(1, rate // 10)):
                writer.write(data[at:at + max(1, rate // 10)])
                await writer.drain()
                await asyncio.sleep(max(1, rate // 10) / rate)
            return
        writer.write(data)
        await writer.drain()


def main() -> int:
    parser = argparse.ArgumentParser(description="Stands between a client and a server and breaks connections by rules.",
                                     epilog=rule_lines.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="the real server")
    parser.add_argument("--listen", type=int, default=0, metavar="PORT", help="on 127.0.0.1; 0 (default): a free one")
    parser.add_argument("--rule", action="append", default=[], metavar="LINE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ready-json", type=pathlib.Path, metavar="FILE", help='written when ready: {"pid","port"}')
    arguments = parser.parse_args()
    host, _, port = arguments.to.rpartition(":")
    if not host or not port.isdigit():
        parser.error("--to takes HOST:PORT")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        with FaultProxy((host, int(port)), "\n".join(arguments.rule), arguments.listen, arguments.seed) as proxy:
            if arguments.ready_json:
                beside = arguments.ready_json.with_suffix(".new")
                beside.write_text(json.dumps({"pid": os.getpid(), "port": proxy.port}))
                beside.rename(arguments.ready_json)
            else:
                print(f"faults: 127.0.0.1:{proxy.port} -> {arguments.to}", file=sys.stderr)
            signal.sigwait({signal.SIGTERM, signal.SIGINT})
    except rule_lines.BadRule as problem:
        parser.error(str(problem))
    except OSError as error:
        print(f"faults: port {arguments.listen} cannot be had: {error}; take another with --listen", file=sys.stderr)
        return 1
    print(json.dumps({"requests": proxy.requests, "log": proxy.log}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
