#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""azmon and the official JavaScript SDK with its OTLP exporters send equal OTLP for the same program, field by field."""

import json

import otlp
import peers
from support import Checks, run, work_directory


def sent_by(program, variables: dict[str, str], work) -> list[str]:
    with otlp.Sink() as sink:
        program({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_EXPORTER": "otlp",
                 "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"} | variables, work)
        return otlp.comparable(sink.requests(peers.BUILT / "otlp_json"))


def without_schema_of_tracers(lines: list[str]) -> list[str]:
    """The official SDK (sdk-trace 2.12) leaves out a tracer's schema URL, though not a logger's or a meter's."""
    items = [json.loads(line) for line in lines]
    return sorted(json.dumps(item | ({"schemaUrl": ""} if item["signal"] == "traces" else {}), sort_keys=True, ensure_ascii=False) for item in items)


def test(checks: Checks):
    work = work_directory("same_program")
    for title, variables in (
            ("as they are set by default", {}),
            ("with gzip and delta metrics", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"})):
        official = sent_by(peers.run_official, variables, work)
        ours = sent_by(peers.run_ours, variables, work)
        checks.that(len(official) == 14, f"{title}: the official SDK sent every item", f"{len(official)}")
        found = otlp.differences(without_schema_of_tracers(official), without_schema_of_tracers(ours))
        checks.that(not found, f"{title}: ours are equal", "\n        ".join(found))


if __name__ == "__main__":
    run(test, lambda: peers.npm_missing("@opentelemetry/sdk-node"))
