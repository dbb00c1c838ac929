// SPDX-License-Identifier: MIT
#include "capture/local_rates.h"

#include <algorithm>
#include <cstring>

namespace azmon::capture {

std::uint64_t LocalRates::Key(std::string_view span_id) {
  std::uint64_t key = 0;
  std::memcpy(&key, span_id.data(), std::min(span_id.size(), sizeof key));
  return key;
}

void LocalRates::Add(std::string_view span_id, double rate) {
  const std::uint64_t key = Key(span_id);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  shard.rates[key] = rate;
}

void LocalRates::Remove(std::string_view span_id) {
  const std::uint64_t key = Key(span_id);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  shard.rates.erase(key);
}

std::optional<double> LocalRates::Find(std::string_view span_id) const {
  const std::uint64_t key = Key(span_id);
  const Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.rates.find(key);
  if (found == shard.rates.end()) return std::nullopt;
  return found->second;
}

}  // namespace azmon::capture
