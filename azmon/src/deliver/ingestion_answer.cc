// SPDX-License-Identifier: MIT
#include "deliver/ingestion_answer.h"

#include <simdjson.h>

#include <limits>

#include "base/utf8.h"

namespace azmon::deliver {

namespace {

constexpr std::size_t kMessageBytesMax = 256;

std::optional<std::uint64_t> Unsigned(simdjson::simdjson_result<simdjson::dom::element> member) {
  std::uint64_t value = 0;
  return member.get(value) == simdjson::SUCCESS ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<IngestionAnswer> ParseIngestionAnswer(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::object answer;
  // Copies the text: simdjson reads beyond its end.
  if (parser.parse(body.data(), body.size(), true).get(answer) != simdjson::SUCCESS) return std::nullopt;
  IngestionAnswer out{.items_received = Unsigned(answer["itemsReceived"]), .items_accepted = Unsigned(answer["itemsAccepted"]), .errors = {}};
  simdjson::dom::array errors;
  if (answer["errors"].get(errors) != simdjson::SUCCESS) return out;
  for (const simdjson::dom::element entry : errors) {
    const auto index = Unsigned(entry["index"]);
    if (!index) continue;
    const auto status = Unsigned(entry["statusCode"]);
    std::string_view message;
    if (entry["message"].get(message) != simdjson::SUCCESS) message = {};
    out.errors.push_back({.index = static_cast<std::size_t>(*index),
                          .status = status && *status < 1000 ? static_cast<int>(*status) : 0,
                          .message = std::string(base::CutUtf8Bytes(message, kMessageBytesMax))});
  }
  return out;
}

}  // namespace azmon::deliver
