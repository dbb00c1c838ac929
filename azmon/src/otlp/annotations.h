// SPDX-License-Identifier: MIT
// What the library knows about a record and only one destination may see, beside the OTLP message.
//
// Each annotation is a tag byte, a varint length and that many bytes; unknown tags are skipped, so older readers read newer records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace azmon::otlp {

struct Annotations {
  /// Tag 1. Name of the operation that the record belongs to, taken from the local root (distro spec 6.7); a view into the record.
  std::string_view operation_name;
  /// Tag 2. Percentage of traces that the sampler keeps, 0 < rate <= 100: each item stands for 100 / rate.
  std::optional<double> sample_rate;
  /// Tag 3. Counted by the standard metrics already: marked `_MS.ProcessedByMetricExtractors` on the item.
  bool processed_by_metric_extractors = false;
  /// Tag 4. Of a scope record: the id of its resource.
  std::optional<std::uint32_t> resource_id;
  /// Tag 5. Of a scope or resource record: its schema URL; a view into the record.
  std::string_view schema_url;
  /// Tag 6. Of a record that was appended again after a partial answer: bit i set = the item i of this record is still to be sent
  /// (items from 63 on follow bit 63). Absent: all.
  std::optional<std::uint64_t> items_left;
  /// Tag 7. Of such a record: an item of it was given up already; the number of the journal's DropReason.
  std::optional<std::uint8_t> lost_item;

  friend bool operator==(const Annotations&, const Annotations&) = default;
};

void AppendAnnotations(const Annotations& annotations, std::string& out);

/// Never fails: bytes that do not parse end the reading, what was read before stays.
Annotations ReadAnnotations(std::string_view bytes);

}  // namespace azmon::otlp
