// SPDX-License-Identifier: MIT
// The sampling decision that every Application Insights SDK makes alike, so that services keep the same traces.
//
// Pure functions; used by the samplers of both pipelines. Source: azure-monitor-distro contract 2.1 and 2.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace azmon::sampling {

/// How the trace id is written before it is hashed. The .NET SDKs hash upper case, all others lower case, and keep different traces.
enum class HashCase : std::uint8_t { kLower, kUpper };

/// The score of a text, 0 to 100. Texts under 8 characters are doubled until they have 8; an empty one scores 0.
double TextScore(std::string_view text);

/// The score of a trace id's 16 bytes.
double TraceIdScore(std::string_view trace_id, HashCase hash_case = HashCase::kLower);

struct Decision {
  bool is_sampled = true;
  /// Value of the attribute `microsoft.sample_rate`, also of what is not sampled; absent at 100 %.
  std::optional<double> sample_rate;

  friend bool operator==(const Decision&, const Decision&) = default;
};

class FixedPercentage {
 public:
  /// @param ratio  share of traces to keep, 0 to 1; anything else counts as 1, which is the caller's to warn about
  explicit FixedPercentage(double ratio, HashCase hash_case = HashCase::kLower);

  /// @param trace_id  16 bytes
  Decision Decide(std::string_view trace_id) const;
  double Percentage() const { return percentage_; }

 private:
  double percentage_;
  HashCase hash_case_;
};

}  // namespace azmon::sampling
