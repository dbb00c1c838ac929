// SPDX-License-Identifier: MIT
#include "local/ingest/track.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <simdjson.h>

#include "base/json_writer.h"
#include "base/text.h"
#include "local/ingest/envelope.h"
#include "local/model/limits.h"

namespace azmon::local {
namespace {

/// Walks over the top-level values of a body without understanding them.
class Values {
 public:
  explicit Values(std::string_view body) : body_(body) {
    SkipBlanks();
    is_array_ = at_ < body_.size() && body_[at_] == '[';
    if (is_array_) ++at_;
  }

  /// @return the next value; nullopt at the end or at something that is no value: then error() says what
  std::optional<Slice> Next() {
    SkipBlanks();
    if (is_array_ && at_ < body_.size() && body_[at_] == ']') {
      ++at_;
      SkipBlanks();
      if (at_ < body_.size()) error_ = "text follows the array";
      return std::nullopt;
    }
    if (is_array_ && !is_first_) {
      if (at_ >= body_.size() || body_[at_] != ',') {
        error_ = "the array does not go on after an element";
        return std::nullopt;
      }
      ++at_;
      SkipBlanks();
    }
    is_first_ = false;
    if (at_ >= body_.size()) {
      if (is_array_) error_ = "the array has no end";
      return std::nullopt;
    }
    const std::size_t begin = at_;
    if (!Skip()) {
      if (is_array_) return std::nullopt;
      // In a row of objects a broken one is its line, and the next line may be whole.
      error_ = nullptr;
      at_ = LineEnd(begin);
    }
    return Slice{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_ - begin)};
  }

  /// The last value turned out to be no JSON: in a row of objects, go on after the line in which it began.
  void Resume(Slice broken) {
    if (!is_array_) at_ = std::min(at_, LineEnd(broken.at));
  }

  const char* error() const { return error_; }

 private:
  std::size_t LineEnd(std::size_t from) const {
    const auto end = body_.find('\n', from);
    return end == std::string_view::npos ? body_.size() : end;
  }

  void SkipBlanks() {
    while (at_ < body_.size() && (base::IsBlank(body_[at_]) || IsSeparator())) ++at_;
  }
  /// A byte order mark at the head, and the record separator of JSON text sequences (RFC 7464).
  bool IsSeparator() const {
    const auto byte = static_cast<unsigned char>(body_[at_]);
    return byte == 0x1e || (at_ < 3 && (byte == 0xef || byte == 0xbb || byte == 0xbf));
  }

  bool Skip() {
    if (body_[at_] == '{' || body_[at_] == '[') return SkipNested();
    // A scalar: refused later as no envelope, but it must end somewhere.
    if (body_[at_] == '"') return SkipString();
    const std::size_t begin = at_;
    while (at_ < body_.size() && !base::IsBlank(body_[at_]) && body_[at_] != ',' && body_[at_] != ']' && body_[at_] != '{' && body_[at_] != '[') ++at_;
    if (at_ == begin) error_ = "a value is missing";
    return at_ != begin;
  }

  bool SkipString() {
    for (++at_; at_ < body_.size(); ++at_) {
      if (body_[at_] == '\\') ++at_;
      else if (body_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    at_ = body_.size();
    error_ = "a string has no end";
    return false;
  }

  bool SkipNested() {
    std::size_t depth = 0;
    while (at_ < body_.size()) {
      const char c = body_[at_];
      if (c == '"') {
        if (!SkipString()) return false;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    error_ = "an object has no end";
    return false;
  }

  std::string_view body_;
  std::size_t at_ = 0;
  bool is_array_ = false;
  bool is_first_ = true;
  const char* error_ = nullptr;
};

void Refuse(std::string message, TrackResult& result) {
  ++result.rejected;
  if (result.errors.size() < limits::kAnswerErrorsMax) result.errors.push_back({result.received - 1, 400, std::move(message)});
}

}  // namespace

Result<TrackResult> ParseTrack(std::string body, Strictness strictness) {
  TrackResult result;
  const std::size_t bytes = body.size();
  // The parser reads beyond the end of what it parses.
  body.reserve(bytes + simdjson::SIMDJSON_PADDING);
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() == 0 && parser.allocate(16 * 1024, limits::kJsonDepthMax) != simdjson::SUCCESS) {
    return Error{ErrorCode::kUnavailable, "out of memory"};
  }
  EnvelopeReader reader(strictness == Strictness::kStrict);
  Values values(body);
  while (const auto slice = values.Next()) {
    if (++result.received > limits::kRequestItemsMax) {
      return Error{ErrorCode::kTooLarge, "a request may have " + std::to_string(limits::kRequestItemsMax) + " items"};
    }
    simdjson::dom::object envelope;
    const auto code = parser.parse(body.data() + slice->at, slice->bytes, false).get(envelope);
    if (code != simdjson::SUCCESS) {
      if (code != simdjson::INCORRECT_TYPE) values.Resume(*slice);
      Refuse(code == simdjson::INCORRECT_TYPE ? "an item is not an object" : std::string("invalid JSON: ") + simdjson::error_message(code), result);
      continue;
    }
    Item item;
    if (auto read = reader.Read(envelope, item); !read) {
      Refuse(read.error().detail, result);
      continue;
    }
    item.raw.item = *slice;
    if (result.i_key.empty()) result.i_key = item.i_key;
    result.batch.items.push_back(std::move(item));
  }
  if (values.error() != nullptr) {
    // What is cut off counts as one more item: the sender has to know that it did not arrive.
    ++result.received;
    Refuse(std::string("invalid JSON: ") + values.error(), result);
  }
  result.batch.kind = RawKind::kEnvelopes;
  result.batch.body = std::move(body);
  return result;
}

std::string TrackAnswer(const TrackResult& result) {
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Member("itemsReceived", result.received).Member("itemsAccepted", result.accepted());
  json.Key("errors").OpenArray();
  for (const TrackError& error : result.errors) {
    json.OpenObject().Member("index", error.index).Member("statusCode", error.status).Member("message", error.message).CloseObject();
  }
  json.CloseArray();
  if (result.i_key.empty()) json.Key("appId").Null();
  else json.Member("appId", result.i_key);
  json.CloseObject();
  return text;
}

}  // namespace azmon::local
