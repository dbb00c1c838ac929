// SPDX-License-Identifier: MIT
// Cutting arbitrary text: a cut never exceeds its limit, never ends inside a code point, takes as much as fits, and what was valid stays so.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "envelope/properties.h"

namespace {

bool IsValid(std::string_view text) { return azmon::base::IsUtf8(text); }

/// UTF-16 units of the head of `text`; an invalid byte is one.
std::size_t FirstUnits(std::string_view text) { return azmon::base::Utf8SequenceLength(text) == 4 ? 2 : 1; }
std::size_t FirstBytes(std::string_view text) { return std::max<std::size_t>(azmon::base::Utf8SequenceLength(text), 1); }

std::size_t Units(std::string_view text) {
  std::size_t units = 0;
  for (; !text.empty(); text.remove_prefix(FirstBytes(text))) units += FirstUnits(text);
  return units;
}

/// Ends where a code point of `text` does.
bool IsAtBoundary(std::string_view text, std::size_t end) {
  std::size_t at = 0;
  while (at < end) at += FirstBytes(text.substr(at));
  return at == end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon;
  if (size < 2) return 0;
  // Small limits around the text's own length, where the edges are.
  const std::size_t limit = static_cast<std::size_t>(data[0]) | static_cast<std::size_t>(data[1] & 3U) << 8U;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool was_valid = IsValid(text);

  const std::string_view bytes = base::CutUtf8Bytes(text, limit);
  AZMON_CHECK(bytes.data() == text.data() && bytes.size() <= limit && IsAtBoundary(text, bytes.size()));
  AZMON_CHECK(!was_valid || IsValid(bytes));
  AZMON_CHECK(bytes.size() == text.size() || bytes.size() + FirstBytes(text.substr(bytes.size())) > limit);

  const std::string_view units = base::CutUtf16Units(text, limit);
  AZMON_CHECK(units.data() == text.data() && Units(units) <= limit && IsAtBoundary(text, units.size()));
  AZMON_CHECK(!was_valid || IsValid(units));
  AZMON_CHECK(units.size() == text.size() || Units(units) + FirstUnits(text.substr(units.size())) > limit);

  // A property's limit counts the bytes that are written: an invalid one becomes three.
  const std::string_view property = envelope::CutProperty(text, limit);
  std::string written;
  base::AppendJsonEscaped(property, written);
  AZMON_CHECK(IsValid(written) && IsAtBoundary(text, property.size()));
  std::size_t plain = 0;
  for (std::string_view rest = property; !rest.empty(); rest.remove_prefix(FirstBytes(rest))) {
    plain += base::Utf8SequenceLength(rest) == 0 ? 3 : FirstBytes(rest);
  }
  AZMON_CHECK(plain <= limit);
  return 0;
}
