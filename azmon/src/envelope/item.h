// SPDX-License-Identifier: MIT
// The frame of an item: envelope fields, tags, begin and end of its data. Contract 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "envelope/envelope.h"
#include "envelope/field_limits.h"
#include "envelope/item_writer.h"
#include "envelope/tags.h"

namespace azmon::envelope {

enum class ItemType : std::uint8_t { kRequest, kDependency, kMessage, kException, kEvent, kMetric, kAvailability, kPageView };

/// "RequestData" and its like.
std::string_view BaseTypeName(ItemType type);

/// What an item needs from around the record.
struct ItemContext {
  const ResourceContext& resource;
  const ScopeContext& scope;
  const Settings& settings;
  std::uint64_t now_nanos = 0;
};

/// Counts a record's items, also those that are not wanted.
class ItemCounter {
 public:
  explicit ItemCounter(std::optional<std::uint64_t> items_left) : items_left_(items_left) {}

  /// True if the next item is to be appended.
  bool Next() {
    if (next_ == field_limits::kRecordItems) {
      Drop(DropReason::kTooMany);
      return false;
    }
    const std::uint32_t bit = next_ < 63 ? next_ : 63;
    ++next_;
    const bool is_wanted = !items_left_ || (*items_left_ >> bit & 1U) != 0;
    if (is_wanted) ++appended_.items;
    return is_wanted;
  }

  /// An item that the record has and that cannot be made.
  void Drop(DropReason reason) { appended_.Drop(reason); }

  const Appended& appended() const { return appended_; }

 private:
  std::optional<std::uint64_t> items_left_;
  std::uint32_t next_ = 0;
  Appended appended_;
};

/// Writes everything up to and including `"ver":2` of baseData. `tags` may be nullptr: only the resource's.
void BeginItem(ItemType type, std::uint64_t time_nanos, double sample_rate, const Tags* tags, const ItemContext& context, ItemWriter& out);
inline void EndItem(ItemWriter& out) { out.Literal("}}}\n"); }

/// The record's message as items. Throw protozero::exception on malformed bytes; `out` then holds parts of items.
struct RecordContext {
  std::string_view operation_name;
  std::optional<double> sample_rate;
  bool is_measured = false;  ///< by the standard metrics: marked
};
void AppendSpan(std::string_view message, const RecordContext& record, const ItemContext& context, ItemCounter& counter, ItemWriter& out);
void AppendLog(std::string_view message, const RecordContext& record, const ItemContext& context, ItemCounter& counter, ItemWriter& out);
void AppendMetric(std::string_view message, const ItemContext& context, ItemCounter& counter, ItemWriter& out);

/// The one entry of `exceptions`, and what follows it but the severity. Contract 3.8.
struct ExceptionText {
  std::string_view type;
  std::string_view message;
  std::string_view stack;
};
void WriteException(const ExceptionText& exception, ItemWriter& out);

}  // namespace azmon::envelope
