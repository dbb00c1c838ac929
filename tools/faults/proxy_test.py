#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each verb of the fault proxy against a real server and a real client on loopback."""

import http.client
import http.server
import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faults import rules
from faults.proxy import FaultProxy


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[str] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _Echo.seen.append(body.decode())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # connections are reset on purpose here


class Proxy(unittest.TestCase):
    def setUp(self):
        _Echo.seen = []
        self.server = _Server(("127.0.0.1", 0), _Echo)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def proxy(self, text: str, **options) -> FaultProxy:
        proxy = FaultProxy(self.server.server_address, text, **options)
        proxy.__enter__()
        self.addCleanup(proxy.__exit__)
        return proxy

    def ask(self, proxy: FaultProxy, body: str = "hello", method: str = "POST", timeout: float = 20):
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)
        self.addCleanup(client.close)
        client.request(method, "/x", body)
        answer = client.getresponse()
        return answer, answer.read().decode()

    def test_without_a_rule_it_is_not_there(self):
        answer, body = self.ask(self.proxy(""))
        self.assertEqual((answer.status, body, _Echo.seen), (200, "hello", ["hello"]))

    def test_a_status_is_answered_without_asking_the_server(self):
        proxy = self.proxy("on 1 status 503 retry-after 2")
        answer, _ = self.ask(proxy)
        self.assertEqual((answer.status, answer.headers["Retry-After"], _Echo.seen), (503, "2", []))
        self.assertEqual(self.ask(proxy)[0].status, 200)

    def test_a_redirect_names_its_target(self):
        answer, _ = self.ask(self.proxy("on 1 redirect http://127.0.0.1:9/y"))
        self.assertEqual((answer.status, answer.headers["Location"]), (307, "http://127.0.0.1:9/y"))

    def test_a_lost_answer_leaves_the_request_done(self):
        with self.assertRaises(ConnectionResetError):
            self.ask(self.proxy("on 1 cut response 0"))
        self.assertEqual(_Echo.seen, ["hello"])

    def test_a_cut_request_does_not_reach_the_server_whole(self):
        with self.assertRaises((ConnectionResetError, http.client.RemoteDisconnected)):
            self.ask(self.proxy("on 1 cut request 40"))
        self.assertEqual(_Echo.seen, [])

    def test_noop_never_answers(self):
        with self.assertRaises(socket.timeout):
            self.ask(self.proxy("on 1 noop"), timeout=0.2)

    def test_refuse_resets(self):
        with self.assertRaises((ConnectionResetError, http.client.RemoteDisconnected)):
            self.ask(self.proxy("on 1 refuse"))

    def test_corrupt_changes_one_bit_of_the_body(self):
        _, body = self.ask(self.proxy("on 1 corrupt"), "aaaaaaaa")
        self.assertEqual(sum(bin(ord(a) ^ ord(b)).count("1") for a, b in zip(body, "aaaaaaaa", strict=True)), 1)

    def test_delay_and_limit_change_nothing_but_the_time(self):
        proxy = self.proxy("on 1 delay 10ms\non 2 limit 100000")
        self.assertEqual([self.ask(proxy)[1] for _ in range(2)], ["hello", "hello"])

    def test_selectors_count_what_they_can_see(self):
        proxy = self.proxy("on 2..3 PUT status 500\non every 2 POST status 502")
        got = [self.ask(proxy, method=method)[0].status for method in ("PUT", "POST", "PUT", "PUT", "POST", "PUT")]
        self.assertEqual(got, [200, 200, 500, 500, 502, 200])

    def test_a_share_is_the_same_for_the_same_seed(self):
        runs = []
        for _ in range(2):
            proxy = self.proxy("on 50% status 500", seed=7)
            runs.append([self.ask(proxy)[0].status for _ in range(20)])
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(set(runs[0]), {200, 500})

    def test_a_bad_rule_says_what_was_expected(self):
        for line, hint in {"3 pass": "begins with 'on'", "on x pass": "which request", "on 1 explode": "one of pass", "on 1 delay 3": "no time",
                           "on 1 cut body 3": "request|response", "on 1 status 99": "CODE", "on 0 pass": "which request"}.items():
            with self.subTest(line), self.assertRaisesRegex(rules.BadRule, hint.replace("|", r"\|")):
                rules.parse(line)


if __name__ == "__main__":
    unittest.main()
