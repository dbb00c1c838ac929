#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The judge of traces: what it must refuse. Everything end to end stands on it."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from system import trace  # noqa: E402


def whole(source: str = "breeze") -> list[dict]:
    items, parent = [], ""
    for number, (name, kind, role) in enumerate(trace.STEPS):
        items.append({"source": source, "itemType": "request" if kind == "server" else "dependency",
                      "type": {"server": "", "internal": "InProc", "client": "HTTP"}[kind], "name": name, "cloud_RoleName": role,
                      "operation_Id": "t" * 32, "id": f"{number:016x}", "operation_ParentId": parent, "duration": 20.0 - number,
                      "timestamp": f"2026-11-24T10:00:00.{number:03d}Z", "success": True})
        parent = items[-1]["id"]
    return items


class Trace(unittest.TestCase):
    def test_whole_one_has_no_problems(self):
        self.assertEqual(trace.problems(whole(), "breeze"), [])

    def test_root_may_name_its_operation_as_parent(self):
        items = whole()
        items[0]["operation_ParentId"] = items[0]["operation_Id"]
        self.assertEqual(trace.problems(items, "breeze"), [])

    def test_client_name_may_have_the_path(self):
        items = whole()
        items[1]["name"] = "POST /orders"
        self.assertEqual(trace.problems(items, "breeze"), [])

    def test_a_second_attempt_is_no_problem(self):
        items = whole()
        items.append(items[8] | {"id": "f" * 16})
        self.assertEqual(trace.problems(items, "breeze"), [])

    def test_what_a_second_attempt_led_to_is_no_problem(self):
        items = whole()
        items += [items[1] | {"id": "a" * 16}, items[2] | {"id": "b" * 16, "operation_ParentId": "a" * 16},
                  items[3] | {"id": "c" * 16, "operation_ParentId": "b" * 16}]
        self.assertEqual(trace.problems(items, "breeze"), [])

    def test_each_missing_span_is_a_problem(self):
        for number in range(len(trace.STEPS)):
            items = whole()
            del items[number]
            self.assertTrue(trace.problems(items, "breeze"), number)

    def test_each_wrong_parent_is_a_problem(self):
        for number in range(len(trace.STEPS)):
            for parent in ("", "e" * 16, f"{(number + 2) % 9:016x}", f"{number:016x}"):
                items = whole()
                if items[number]["operation_ParentId"] == parent:
                    continue
                items[number]["operation_ParentId"] = parent
                self.assertTrue(trace.problems(items, "breeze"), (number, parent))

    def test_a_span_twice_is_a_problem(self):
        for number in (0, 2, 3, 5, 6, 7):
            items = whole()
            items.append(items[number] | {"id": "f" * 16})
            self.assertTrue(trace.problems(items, "breeze"), number)

    def test_wrong_role_kind_or_name_is_a_problem(self):
        for key, value in (("cloud_RoleName", "other"), ("itemType", "trace"), ("name", "other")):
            items = whole()
            items[5][key] = value
            self.assertTrue(trace.problems(items, "breeze"), key)

    def test_the_other_way_does_not_count(self):
        self.assertTrue(trace.problems(whole("otlp"), "breeze"))

    def test_a_remote_parent_must_be_the_given_one(self):
        items = whole()[2:]
        self.assertEqual(trace.problems(items, "breeze", trace.STEPS[2:], items[0]["operation_ParentId"]), [])
        self.assertTrue(trace.problems(items, "breeze", trace.STEPS[2:], "a" * 16))
        self.assertTrue(trace.problems(items, "breeze", trace.STEPS[2:]))

    def test_tree_shows_every_span_under_its_parent(self):
        lines = trace.tree(whole(), "breeze", colour=False)
        self.assertEqual(len(lines), 9)
        self.assertTrue(all(step[0] in line and step[1] in line and step[2] in line for line, step in zip(lines, trace.STEPS)))
        self.assertEqual([line.index("└") for line in lines[1:]], sorted(line.index("└") for line in lines[1:]))

    def test_durations_have_three_digits_and_a_unit(self):
        self.assertEqual([trace.duration_text(value) for value in (0.01234, 1.2345, 45.67, 456.7, 1234.5)],
                         ["12.3 µs", "1.23 ms", "45.7 ms", "457 ms", "1.23 s"])


if __name__ == "__main__":
    unittest.main()
