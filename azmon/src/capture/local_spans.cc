// SPDX-License-Identifier: MIT
#include "capture/local_spans.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace azmon::capture {

std::uint64_t LocalSpans::Key(std::string_view span_id) {
  std::uint64_t key = 0;
  std::memcpy(&key, span_id.data(), std::min(span_id.size(), sizeof key));
  return key;
}

void LocalSpans::Put(std::string_view span_id, Inheritance inheritance) {
  const std::uint64_t key = Key(span_id);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.spans.find(key); found != shard.spans.end()) {
    found->second = std::move(inheritance);
  } else if (shard.spare.empty()) {
    shard.spans.emplace(key, std::move(inheritance));
  } else {
    Map::node_type node = std::move(shard.spare.back());
    shard.spare.pop_back();
    node.key() = key;
    node.mapped() = std::move(inheritance);
    shard.spans.insert(std::move(node));
  }
}

void LocalSpans::Remove(std::string_view span_id) {
  const std::uint64_t key = Key(span_id);
  Shard& shard = ShardOf(key);
  Inheritance last;  // ends behind the lock
  const std::lock_guard lock(shard.mutex);
  Map::node_type node = shard.spans.extract(key);
  if (node.empty()) return;
  std::swap(last, node.mapped());
  if (shard.spare.size() < kSpareMax) shard.spare.push_back(std::move(node));
}

LocalSpans::Inheritance LocalSpans::Find(std::string_view span_id) const {
  const std::uint64_t key = Key(span_id);
  const Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.spans.find(key);
  return found == shard.spans.end() ? Inheritance{} : found->second;
}

}  // namespace azmon::capture
