// SPDX-License-Identifier: MIT
// Properties ("custom dimensions") and measurements of an item. Contract 3.8 and 3.9.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/attributes.h"
#include "envelope/item_writer.h"
#include "envelope/span.h"

namespace azmon::envelope {

/// Writes `,"properties":{…}` into baseData; nothing at all if no property is added.
class PropertyWriter {
 public:
  explicit PropertyWriter(ItemWriter& out) : out_(out) {}

  /// Adds a property under the limits of contract 3.9: a longer key drops it, a longer value is cut at a character.
  void Text(std::string_view key, std::string_view text, std::size_t bytes_max);
  void Text(std::string_view key, std::string_view text);
  /// Alike for any value; null adds nothing.
  void Add(const Attribute& attribute);

  void Close() {
    if (is_open_) out_.Char('}');
  }

 private:
  /// @return false if the key is too long
  bool Open(std::string_view key);

  ItemWriter& out_;
  bool is_open_ = false;
  std::string scratch_;
};

/// Cuts a text as it will be written, where each invalid byte takes the three of U+FFFD.
std::string_view CutProperty(std::string_view text, std::size_t bytes_max);

/// Which attributes of a span, and of its kind of item, are properties.
class SpanProperties {
 public:
  static SpanProperties OfRequest(const Span& span);
  static SpanProperties OfDependency(const Dependency& dependency);
  bool Has(const Attribute& attribute) const;

 private:
  bool drops_database_ = false;
  bool keeps_operation_ = false;
  bool drops_rpc_ = false;
};

/// Log records and span events. Δ26, Δ41.
bool IsRecordProperty(const Attribute& attribute);
/// The resource metric. Contract 2.5.
bool IsResourceProperty(const Attribute& attribute);

/// The texts of `_MS.ProcessedByMetricExtractors`; distro contract 3.5.
inline constexpr std::string_view kRequestsMark = "(Name:'Requests', Ver:'1.1')";
inline constexpr std::string_view kDependenciesMark = "(Name:'Dependencies', Ver:'1.1')";
inline constexpr std::string_view kExceptionsMark = "(Name:'Exceptions', Ver:'1.1')";
inline constexpr std::string_view kTracesMark = "(Name:'Traces', Ver:'1.1')";

/// Adds the mark of the standard metrics, behind what an attribute of that key says already.
void AddMark(std::string_view mark, const AttributeList& attributes, PropertyWriter& properties);

/// Named numbers; the last of equal names wins.
class Measurements {
 public:
  void Set(std::string_view name, double value);
  /// The finite numbers of an OTLP map.
  void SetFromMap(const Value& map);
  /// `microsoft.custom_measurements`: the finite numbers of a JSON object in a string attribute; anything else is ignored. Δ12.
  void SetFromAttribute(const AttributeList& attributes);
  /// `,"measurements":{…}`, or nothing if there are none.
  void Write(ItemWriter& out) const;

 private:
  struct Entry {
    std::string name;
    double value;
  };
  std::vector<Entry> entries_;
};

}  // namespace azmon::envelope
