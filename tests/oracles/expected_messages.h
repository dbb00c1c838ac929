// SPDX-License-Identifier: MIT
// The corpus' neutral form of telemetry (tests/conformance/README.md) as messages of the official protobuf classes.
//
// Written from the form's description and the .proto files alone: nothing of our encoder is used here, since this judges it.
#pragma once

#include <opentelemetry/proto/common/v1/common.pb.h>
#include <opentelemetry/proto/logs/v1/logs.pb.h>
#include <opentelemetry/proto/metrics/v1/metrics.pb.h>
#include <opentelemetry/proto/resource/v1/resource.pb.h>
#include <opentelemetry/proto/trace/v1/trace.pb.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace azmon::oracles {

using Json = nlohmann::json;
namespace proto = opentelemetry::proto;

/// `bytes` with each byte that is part of no valid UTF-8 sequence replaced by U+FFFD: a protobuf string holds nothing else.
std::string Repaired(std::string_view bytes);

proto::resource::v1::Resource ExpectedResource(const Json& resource);
proto::common::v1::InstrumentationScope ExpectedScope(const Json& scope);
proto::trace::v1::Span ExpectedSpan(const Json& span);
proto::logs::v1::LogRecord ExpectedLog(const Json& log);
proto::metrics::v1::Metric ExpectedMetric(const Json& metric);

}  // namespace azmon::oracles
