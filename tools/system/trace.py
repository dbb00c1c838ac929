# SPDX-License-Identifier: MIT
"""The trace of one order: what it must look like, and how it is shown in a terminal."""

import dataclasses
import datetime
import os

# Name, kind and role of the nine spans of an order, each the child of the one before.
STEPS = (
    ("place order", "internal", "checkout"),
    ("POST", "client", "checkout"),
    ("POST /orders", "server", "order-processor"),
    ("process order", "internal", "order-processor"),
    ("POST", "client", "order-processor"),
    ("POST /orders", "server", "receipt"),
    ("write receipt", "internal", "receipt"),
    ("BlobClient.PutBlob", "internal", "receipt"),
    ("PUT", "client", "receipt"),
)
SPAN_TYPES = ("request", "dependency")


def kind(item: dict) -> str:
    if item["itemType"] == "request":
        return "server"
    return "internal" if str(item.get("type") or "").startswith("InProc") else "client"


def spans(items: list[dict], source: str) -> list[dict]:
    return [item for item in items if item["source"] == source and item["itemType"] in SPAN_TYPES]


def _fits(item: dict, step: tuple[str, str, str]) -> bool:
    name, wanted_kind, role = step
    # Application Insights shows a client span as method and path; OTLP keeps the method alone.
    names = item["name"] == name or (wanted_kind == "client" and item["name"].startswith(name + " "))
    return names and kind(item) == wanted_kind and item["cloud_RoleName"] == role


def problems(items: list[dict], source: str, steps=STEPS, remote_parent: str = "") -> list[str]:
    """What is wrong with a trace as it came by `source`; nothing: it is whole.

    A client span may be there more than once, one an attempt, and so may what an attempt led to. `remote_parent`: the span of somebody else that the first step
    must be a child of.
    """
    found = spans(items, source)
    wrong, parents, left = [], {remote_parent} if remote_parent else set(), list(found)
    for number, step in enumerate(steps):
        here = [item for item in left if _fits(item, step)
                and (_is_root(item) if number == 0 and not remote_parent else item.get("operation_ParentId") in parents)]
        if not here:
            wrong.append(f"no '{step[0]}' ({step[1]}, {step[2]}) under the step before it")
            break
        under = [item.get("operation_ParentId") or "" for item in here]
        if step[1] != "client" and len(set(under)) < len(under):
            wrong.append(f"more than one '{step[0]}' ({step[2]}) under the same span")
        parents = {item["id"] for item in here}
        left = [item for item in left if item not in here]
    for item in left:
        wrong.append(f"out of place: '{item['name']}' of {item['cloud_RoleName']}, parent {item.get('operation_ParentId') or 'none'}")
    return wrong


def _is_root(item: dict) -> bool:
    return (item.get("operation_ParentId") or "") in ("", item.get("operation_Id"))


# ---- In the terminal

_COLOURS = (36, 33, 35, 32, 34, 31)


@dataclasses.dataclass
class _Row:
    depth: int
    item: dict
    start: float
    last: bool


def _milliseconds(timestamp: str) -> float:
    head, _, fraction = timestamp.rstrip("Z").replace("+00:00", "").partition(".")
    whole = datetime.datetime.fromisoformat(head).replace(tzinfo=datetime.timezone.utc).timestamp()
    return whole * 1000 + (float("0." + fraction) * 1000 if fraction else 0)


def duration_text(milliseconds: float) -> str:
    """Three significant digits and a unit."""
    value, unit = (milliseconds * 1000, "µs") if milliseconds < 1 else (milliseconds, "ms")
    if milliseconds >= 1000:
        value, unit = milliseconds / 1000, "s"
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def tree(items: list[dict], source: str, colour: bool, width: int = 100) -> list[str]:
    """Lines of a waterfall: role, name, kind, duration, and where in the whole each span lies."""
    found = spans(items, source)
    if not found:
        return []
    ids = {item["id"] for item in found}
    children: dict[str, list[dict]] = {}
    for item in sorted(found, key=lambda item: _milliseconds(item["timestamp"])):
        parent = item.get("operation_ParentId") or ""
        children.setdefault(parent if parent in ids else "", []).append(item)
    rows: list[_Row] = []

    def walk(parent: str, depth: int):
        siblings = children.get(parent, [])
        for number, item in enumerate(siblings):
            rows.append(_Row(depth, item, _milliseconds(item["timestamp"]), number == len(siblings) - 1))
            if depth < 50:
                walk(item["id"], depth + 1)

    walk("", 0)
    begin = min(row.start for row in rows)
    whole = max(max(row.start + (row.item.get("duration") or 0) for row in rows) - begin, 0.001)
    roles = list(dict.fromkeys(row.item["cloud_RoleName"] for row in rows))
    role_width = max(len(role) for role in roles)
    label = [("" if row.depth == 0 else "  " * (row.depth - 1) + ("└ " if row.last else "├ ")) + _short(row.item["name"]) for row in rows]
    label_width = max(len(text) for text in label)
    bar_width = max(10, min(40, width - role_width - label_width - 24))
    lines = []
    for row, text in zip(rows, label):
        duration = row.item.get("duration") or 0
        at = min(int((row.start - begin) / whole * bar_width), bar_width - 1)
        length = max(1, min(round(duration / whole * bar_width), bar_width - at))
        bar = " " * at + "█" * length + " " * (bar_width - at - length)
        paint = f"\033[{_COLOURS[roles.index(row.item['cloud_RoleName']) % len(_COLOURS)]}m" if colour else ""
        end = "\033[0m" if colour else ""
        failed = "  failed" if row.item.get("success") is False else ""
        lines.append(f"  {paint}{row.item['cloud_RoleName']:<{role_width}}{end}  {text:<{label_width}}  {kind(row.item):<8}  "
                     f"{paint}{bar}{end} {duration_text(duration):>8}{failed}".rstrip())
    return lines


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"


def wants_colour(stream) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
