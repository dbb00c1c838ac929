// SPDX-License-Identifier: MIT
#include "otlp/annotations.h"

#include <bit>
#include <cstring>

#include "otlp/wire.h"

namespace azmon::otlp {
namespace {

enum AnnotationTag : std::uint8_t { kOperationName = 1, kSampleRate = 2, kProcessed = 3, kResourceId = 4, kSchemaUrl = 5, kItemsLeft = 6, kLostItem = 7 };

void Append(AnnotationTag tag, std::string_view bytes, std::string& out) {
  out.push_back(static_cast<char>(tag));
  AppendVarint(bytes.size(), out);
  out.append(bytes);
}

template <typename Value>
void AppendValue(AnnotationTag tag, const Value& value, std::string& out) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  Append(tag, std::string_view(bytes, sizeof value), out);
}

template <typename Value>
std::optional<Value> ReadValue(std::string_view bytes) {
  if (bytes.size() != sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace

void AppendAnnotations(const Annotations& annotations, std::string& out) {
  if (!annotations.operation_name.empty()) Append(kOperationName, annotations.operation_name, out);
  if (annotations.sample_rate) AppendValue(kSampleRate, *annotations.sample_rate, out);
  if (annotations.processed_by_metric_extractors) Append(kProcessed, {}, out);
  if (annotations.resource_id) AppendValue(kResourceId, *annotations.resource_id, out);
  if (!annotations.schema_url.empty()) Append(kSchemaUrl, annotations.schema_url, out);
  if (annotations.items_left) AppendValue(kItemsLeft, *annotations.items_left, out);
  if (annotations.lost_item) AppendValue(kLostItem, *annotations.lost_item, out);
}

Annotations ReadAnnotations(std::string_view bytes) {
  Annotations annotations;
  while (bytes.size() >= 2) {
    const auto tag = static_cast<std::uint8_t>(bytes[0]);
    std::size_t at = 1;
    std::size_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at >= bytes.size() || shift > 28) return annotations;
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      length |= static_cast<std::size_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) break;
    }
    if (length > bytes.size() - at) return annotations;
    const std::string_view value = bytes.substr(at, length);
    switch (tag) {
      case kOperationName: annotations.operation_name = value; break;
      case kSampleRate: annotations.sample_rate = ReadValue<double>(value); break;
      case kProcessed: annotations.processed_by_metric_extractors = true; break;
      case kResourceId: annotations.resource_id = ReadValue<std::uint32_t>(value); break;
      case kSchemaUrl: annotations.schema_url = value; break;
      case kItemsLeft: annotations.items_left = ReadValue<std::uint64_t>(value); break;
      case kLostItem: annotations.lost_item = ReadValue<std::uint8_t>(value); break;
      default: break;
    }
    bytes.remove_prefix(at + length);
  }
  return annotations;
}

}  // namespace azmon::otlp
