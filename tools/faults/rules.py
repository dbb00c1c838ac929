# SPDX-License-Identifier: MIT
"""What the fault proxy does to which request, one rule a line.

    on SELECTOR [METHOD] VERB [ARGUMENT…]

SELECTOR counts requests over all connections, from 1:  `3`  `3..5`  `3..`  `every 4`  `20%` (drawn from the seed).
METHOD, if given, lets the rule see only requests of that method; they alone are counted for it.

    pass                        as if there were no rule; useful above a wider one
    status CODE [retry-after V] answers itself, the server sees nothing
    redirect URL                answers 307 to URL
    delay TIME                  waits before it forwards; TIME is like 200ms or 3s
    noop                        reads the request and never answers
    cut request BYTES           forwards so many bytes of the request, then resets both sides
    cut response BYTES          forwards the request, so many bytes of the answer, then resets; 0: the answer is lost
    limit BYTES                 the answer trickles at so many bytes a second
    corrupt                     flips one bit of the answer's body
    refuse                      resets the connection on sight of the request

The first rule that matches a request is taken. Empty lines and lines that begin with # are skipped.
"""

import dataclasses
import random
import re

_VERBS = {"pass": (0, 0), "status": (1, 3), "redirect": (1, 1), "delay": (1, 1), "noop": (0, 0), "cut": (2, 2), "limit": (1, 1),
          "corrupt": (0, 0), "refuse": (0, 0)}
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
_SELECTOR = re.compile(r"(?P<first>[1-9]\d*)(?P<range>\.\.(?P<last>[1-9]\d*)?)?|(?P<percent>\d+(\.\d+)?)%")


class BadRule(Exception):
    """A line that is no rule; the text says which and what was expected."""


@dataclasses.dataclass
class Rule:
    line: str
    verb: str
    arguments: list[str]
    method: str | None = None
    first: int = 1
    last: int | None = None
    every: int = 1
    percent: float | None = None
    seen: int = 0
    taken: int = 0

    def matches(self, method: str, draw: random.Random) -> bool:
        """Whether the rule wants this request; call it once a request, for it counts."""
        if self.method not in (None, method):
            return False
        self.seen += 1
        if self.percent is not None:
            return draw.uniform(0, 100) < self.percent
        return self.seen >= self.first and (self.last is None or self.seen <= self.last) and self.seen % self.every == 0


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text)
    if not found:
        raise BadRule(f"'{text}' is no time: write 200ms or 3s")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _check_arguments(verb: str, arguments: list[str]) -> None:
    fewest, most = _VERBS[verb]
    if not fewest <= len(arguments) <= most:
        raise BadRule(f"{verb} takes {fewest} to {most} arguments")
    if verb == "status" and not (re.fullmatch(r"[2-5]\d\d", arguments[0]) and (len(arguments) == 1 or arguments[1:2] == ["retry-after"] and len(arguments) == 3)):
        raise BadRule("status takes CODE [retry-after VALUE]")
    if verb == "delay":
        seconds(arguments[0])
    if verb == "cut" and not (arguments[0] in ("request", "response") and arguments[1].isdigit()):
        raise BadRule("cut takes request|response and a number of bytes")
    if verb == "limit" and not (arguments[0].isdigit() and int(arguments[0]) > 0):
        raise BadRule("limit takes a number of bytes a second, at least 1")


def parse(line: str) -> Rule:
    """@raises BadRule"""
    words = line.split()
    try:
        if not words or words[0] != "on":
            raise BadRule("a rule begins with 'on'")
        rule = Rule(line=line.strip(), verb="", arguments=[])
        words = words[1:]
        if words[:1] == ["every"]:
            if len(words) < 2 or not words[1].isdigit() or int(words[1]) == 0:
                raise BadRule("'every' takes a number, at least 1")
            rule.every, words = int(words[1]), words[2:]
        else:
            found = _SELECTOR.fullmatch(words[0]) if words else None
            if not found:
                raise BadRule("which request? write 3, 3..5, 3.., every 4 or 20%")
            if found["percent"]:
                rule.percent = float(found["percent"])
            else:
                rule.first = int(found["first"])
                rule.last = int(found["last"]) if found["last"] else None if found["range"] else rule.first
            words = words[1:]
        if words and words[0] in _METHODS:
            rule.method, words = words[0], words[1:]
        if not words or words[0] not in _VERBS:
            raise BadRule(f"what to do? one of {', '.join(_VERBS)}")
        rule.verb, rule.arguments = words[0], words[1:]
        _check_arguments(rule.verb, rule.arguments)
        return rule
    except BadRule as problem:
        raise BadRule(f"rule '{line.strip()}': {problem}") from None


def parse_all(text: str) -> list[Rule]:
    """@raises BadRule naming the first bad line"""
    return [parse(line) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
