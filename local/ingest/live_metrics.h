// SPDX-License-Identifier: MIT
// The last minute of every server, second by second: what the page's Live view shows. In memory alone.
//
// Two sources. Servers whose SDK speaks Live Metrics (QuickPulse) are asked to send while somebody looks, and send a point a second; of
// others the items that they export are counted, also only while somebody looks. Thread-safe, does not block. Used by `api`.
// Source of the protocol: Application Insights Live Metrics, API version 2024-04-01-preview.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "local/model/item.h"

namespace azmon::local {

class LiveMetrics {
 public:
  /// Somebody looks now. It holds for limits::kLiveWatch, so a page asks again before.
  void Watch(std::int64_t now);
  bool IsWatched(std::int64_t now) const;

  /// Takes a post: a JSON array of points, untrusted.
  /// @return kMalformed it is none
  Result<void> Post(std::string_view body, std::int64_t now);

  /// Counts items that arrived by ingestion. Does nothing while nobody looks.
  void Count(const std::vector<Item>& items, std::int64_t now);

  /// What the page gets: servers with their points of the last minute, and the newest documents.
  std::string Snapshot(std::int64_t now) const;

  void Reset();

 private:
  /// Points of one second. Rates are of all calls in it; durations are means in milliseconds.
  struct Second {
    std::int64_t at = 0;  ///< seconds since 1970; 0: none
    double requests = 0, requests_failed = 0, request_ms = 0, dependencies = 0, dependencies_failed = 0, dependency_ms = 0, exceptions = 0;
    std::optional<double> cpu, memory;
  };
  static constexpr std::int64_t kSeconds = 60;
  struct Server {
    std::string source, role, instance, machine, version;
    std::int64_t last = 0;  ///< ticks
    std::array<Second, kSeconds> seconds;
    Second& At(std::int64_t second);
  };
  struct Document {
    std::uint64_t number = 0;
    std::int64_t at = 0;
    std::string type, role, name, detail, result;
    double duration = -1;
  };

  Server* Find(std::string key, std::int64_t now);
  void Forget(std::int64_t now);

  mutable std::mutex mutex_;
  std::int64_t watched_until_ = 0;
  std::map<std::string, Server, std::less<>> servers_;
  std::deque<Document> documents_;
  std::uint64_t next_document_ = 1;
};

/// What a ping or a post is answered with while somebody looks: every request, dependency, exception and log may be sent as a sample.
extern const std::string_view kLiveConfiguration, kLiveConfigurationEtag;
/// And while nobody does.
extern const std::string_view kNoLiveConfiguration;

}  // namespace azmon::local
