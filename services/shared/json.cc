// SPDX-License-Identifier: MIT
#include "services/shared/json.h"

// The only file that includes Boost.JSON: its sources are compiled here, so that no package beside Boost's headers is needed.
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <limits>
#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "services/shared/limits.h"

namespace services {
namespace {

using azmon::Error;
using azmon::ErrorCode;
using azmon::Result;

/// The canonical text of a number that is JSON already, or nothing if no double holds it.
std::optional<std::string> CanonicalNumber(std::string_view text) {
  if (text.find_first_of(".eE") == std::string_view::npos) return text == "-0" ? "0" : std::string(text);
  const auto value = azmon::base::ParseDouble(text);
  if (!value) return std::nullopt;
  std::string out;
  azmon::base::AppendEcmaNumber(*value == 0 ? 0.0 : *value, out);
  return out;
}

/// Builds the tree from the events of Boost.JSON's parser, which has checked the grammar, UTF-8 and depth.
class TreeBuilder {
 public:
  static constexpr std::size_t max_object_size = limits::kJsonMembersMax;
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();  // bounded by the body
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  using ErrorCodeOut = boost::json::error_code&;
  using Text = boost::json::string_view;

  bool on_document_begin(ErrorCodeOut) { return true; }
  bool on_document_end(ErrorCodeOut) { return true; }
  bool on_array_begin(ErrorCodeOut) { return Open(JsonValue::Kind::kArray); }
  bool on_array_end(std::size_t, ErrorCodeOut) { return Close(); }
  bool on_object_begin(ErrorCodeOut) { return Open(JsonValue::Kind::kObject); }
  bool on_object_end(std::size_t, ErrorCodeOut) { return Close(); }

  bool on_key_part(Text part, std::size_t, ErrorCodeOut) { return Part(part); }
  bool on_key(Text part, std::size_t, ErrorCodeOut error) {
    std::string name = Whole(part);
    auto& members = open_.back().members;
    if (std::ranges::any_of(members, [&](const JsonMember& member) { return member.name == name; })) {
      problem_ = "the name \"" + name + "\" stands twice in one object";
      error = boost::json::make_error_code(boost::json::error::syntax);
      return false;
    }
    members.push_back({std::move(name), {}});
    return true;
  }
  bool on_string_part(Text part, std::size_t, ErrorCodeOut) { return Part(part); }
  bool on_string(Text part, std::size_t, ErrorCodeOut) {
    Put({.kind = JsonValue::Kind::kString, .text = Whole(part), .items = {}, .members = {}});
    return true;
  }
  bool on_number_part(Text part, ErrorCodeOut) { return Part(part); }
  bool on_int64(std::int64_t, Text part, ErrorCodeOut error) { return Number(part, error); }
  bool on_uint64(std::uint64_t, Text part, ErrorCodeOut error) { return Number(part, error); }
  bool on_double(double, Text part, ErrorCodeOut error) { return Number(part, error); }
  bool on_bool(bool value, ErrorCodeOut) {
    Put({.kind = value ? JsonValue::Kind::kTrue : JsonValue::Kind::kFalse, .text = {}, .items = {}, .members = {}});
    return true;
  }
  bool on_null(ErrorCodeOut) {
    Put({});
    return true;
  }
  bool on_comment_part(Text, ErrorCodeOut) { return true; }
  bool on_comment(Text, ErrorCodeOut) { return true; }

  JsonValue& root() { return root_; }
  const std::string& problem() const { return problem_; }

 private:
  bool Part(Text part) {
    pending_.append(part.data(), part.size());
    return true;
  }
  std::string Whole(Text part) {
    pending_.append(part.data(), part.size());
    return std::exchange(pending_, {});
  }
  bool Number(Text part, ErrorCodeOut error) {
    const std::string text = Whole(part);
    auto number = CanonicalNumber(text);
    if (!number) {
      problem_ = "a number is out of range";
      error = boost::json::make_error_code(boost::json::error::exponent_overflow);
      return false;
    }
    Put({.kind = JsonValue::Kind::kNumber, .text = std::move(*number), .items = {}, .members = {}});
    return true;
  }
  bool Open(JsonValue::Kind kind) {
    open_.push_back({.kind = kind, .text = {}, .items = {}, .members = {}});
    return true;
  }
  bool Close() {
    JsonValue done = std::move(open_.back());
    open_.pop_back();
    Put(std::move(done));
    return true;
  }
  void Put(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto& parent = open_.back(); parent.kind == JsonValue::Kind::kArray) {
      parent.items.push_back(std::move(value));
    } else {
      parent.members.back().value = std::move(value);
    }
  }

  JsonValue root_;
  std::vector<JsonValue> open_;
  std::string pending_;
  std::string problem_;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &JsonMember::name);
  return found == members.end() ? nullptr : &found->value;
}

Result<JsonValue> ParseJson(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::json::basic_parser<TreeBuilder> parser(options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  const std::string where = " at byte " + std::to_string(read);
  if (error) {
    if (!parser.handler().problem().empty()) return Error{ErrorCode::kMalformed, parser.handler().problem() + where};
    if (error == boost::json::error::too_deep) return Error{ErrorCode::kTooLarge, "nested too deeply" + where};
    if (error == boost::json::error::object_too_large) return Error{ErrorCode::kTooLarge, "an object has too many members" + where};
    return Error{ErrorCode::kMalformed, error.message() + where};
  }
  if (read != text.size()) return Error{ErrorCode::kMalformed, "text follows the JSON value" + where};
  return std::move(parser.handler().root());
}

void AppendCanonicalJson(const JsonValue& value, std::string& out) {
  switch (value.kind) {
    using enum JsonValue::Kind;
    case kNull: out += "null"; return;
    case kFalse: out += "false"; return;
    case kTrue: out += "true"; return;
    case kNumber: out += value.text; return;
    case kString: azmon::base::AppendJsonString(value.text, out); return;
    case kArray: {
      char separator = '[';
      for (const JsonValue& item : value.items) {
        out += separator;
        AppendCanonicalJson(item, out);
        separator = ',';
      }
      out += value.items.empty() ? "[]" : "]";
      return;
    }
    case kObject: {
      std::vector<const JsonMember*> sorted;
      sorted.reserve(value.members.size());
      for (const JsonMember& member : value.members) sorted.push_back(&member);
      std::ranges::sort(sorted, {}, [](const JsonMember* member) -> const std::string& { return member->name; });
      char separator = '{';
      for (const JsonMember* member : sorted) {
        out += separator;
        azmon::base::AppendJsonString(member->name, out);
        out += ':';
        AppendCanonicalJson(member->value, out);
        separator = ',';
      }
      out += sorted.empty() ? "{}" : "}";
      return;
    }
  }
}

}  // namespace services
