// SPDX-License-Identifier: MIT
#include "local/query/filter.h"

#include <algorithm>
#include <utility>

#include <simdjson.h>

#include "base/json_writer.h"
#include "base/text.h"
#include "local/model/limits.h"

namespace azmon::local {
namespace {

constexpr std::string_view kDimensionsPrefix = "customDimensions.";
constexpr std::string_view kMeasurementsPrefix = "customMeasurements.";

/// Text of a JSON value as the `where` parameter spells it.
std::string TextOf(simdjson::dom::element value) {
  switch (value.type()) {
    case simdjson::dom::element_type::STRING: return std::string(std::string_view(value));
    case simdjson::dom::element_type::DOUBLE: {
      std::string text;
      base::AppendEcmaNumber(double(value), text);
      return text;
    }
    default: return simdjson::minify(value);
  }
}

}  // namespace

Result<Condition> Condition::Parse(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Error{ErrorCode::kMalformed, "where: '" + std::string(text) + "' is not of the form name=value"};
  }
  Condition condition;
  auto name = text.substr(0, equals);
  condition.value = text.substr(equals + 1);
  if (name.starts_with(kDimensionsPrefix)) {
    condition.of = Of::kDimensions;
    name.remove_prefix(kDimensionsPrefix.size());
  } else if (name.starts_with(kMeasurementsPrefix)) {
    condition.of = Of::kMeasurements;
    name.remove_prefix(kMeasurementsPrefix.size());
  } else if (!ColumnText(Item{}, name)) {
    return Error{ErrorCode::kMalformed, "where: items have no '" + std::string(name) + "'; custom ones are customDimensions.NAME"};
  }
  condition.name = name;
  return condition;
}

struct ConditionMatcher::Parser {
  simdjson::dom::parser json;
  std::string scratch;

  bool Has(const std::string& bag, const Condition& condition) {
    // Most items do not have the key at all: look for it before parsing. A key with escapes is found by parsing only.
    scratch.clear();
    base::AppendJsonString(condition.name, scratch);
    if (bag.find('\\') == std::string::npos && bag.find(scratch) == std::string::npos) return false;
    simdjson::dom::object object;
    if (json.parse(bag).get(object) != simdjson::SUCCESS) return false;
    simdjson::dom::element value;
    return object[condition.name].get(value) == simdjson::SUCCESS && TextOf(value) == condition.value;
  }
};

ConditionMatcher::ConditionMatcher(std::vector<Condition> conditions)
    : conditions_(std::move(conditions)), parser_(std::make_unique<Parser>()) {}

ConditionMatcher::~ConditionMatcher() = default;

bool ConditionMatcher::Matches(const Item& item) {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    switch (condition.of) {
      case Condition::Of::kDimensions: return parser_->Has(item.dimensions, condition);
      case Condition::Of::kMeasurements: return parser_->Has(item.measurements, condition);
      case Condition::Of::kColumn: return ColumnText(item, condition.name) == condition.value;
    }
    return false;
  });
}

std::string EncodeCursor(const TransactionQuery::Cursor& cursor) {
  std::string text = std::to_string(cursor.start) + "." + base::Hex(cursor.operation_id);
  return text;
}

std::optional<TransactionQuery::Cursor> DecodeTransactionCursor(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto start = base::ParseInteger<std::int64_t>(text.substr(0, dot));
  auto operation_id = base::ParseHex(text.substr(dot + 1));
  if (!start || !operation_id) return std::nullopt;
  return TransactionQuery::Cursor{*start, std::move(*operation_id)};
}

std::string EncodeCursor(std::uint64_t seq) { return std::to_string(seq); }

std::optional<std::uint64_t> DecodeItemCursor(std::string_view text) { return base::ParseInteger<std::uint64_t>(text); }

std::uint64_t FindInItem(const Search& search, const Item& item, std::string& scratch) {
  const std::uint64_t all = search.All();
  std::uint64_t found = 0;
  for (const std::string* text : {&item.name, &item.url, &item.data, &item.message, &item.target, &item.result_code, &item.kind, &item.role,
                                  &item.role_instance, &item.operation_id, &item.id, &item.parent_id, &item.exception_type, &item.stack,
                                  &item.i_key}) {
    found |= search.Find(*text, scratch);
    if (found == all) return found;
  }
  found |= search.FindInJson(item.dimensions, scratch);
  found |= search.FindInJson(item.measurements, scratch);
  found |= search.Find(Name(item.type), scratch);
  return found;
}

}  // namespace azmon::local
