// SPDX-License-Identifier: MIT
// The virtual machine of Azure under this program, as its metadata service describes it: the question and what the answer means.
//
// Pure functions; `distro` has the question asked, once, in the background, and never waits for it. Source: distro spec section 7.6; Azure
// Instance Metadata Service, "Instance metadata", compute.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "resource/resource.h"
#include "transport/transport.h"

namespace azmon::resource {

inline constexpr std::string_view kMetadataOrigin = "http://169.254.169.254";

/// Whether the firmware's strings say that this is a virtual machine of Azure (or of Hyper-V elsewhere, which has the same vendor). On any
/// other machine the address of the metadata service may belong to somebody else, or swallow packets.
bool IsFirmwareOfAzure(const Host& host);

/// The attributes in an answer by their OpenTelemetry names. Members that are absent, null or empty give none.
/// @return nullopt: no answer of the service. That is any failure, another status than 200, an answer that was cut, that is no JSON object
///         or has no vmId, and one in which a member that is read is no text, too long or has control characters: nothing of it is taken
std::optional<std::map<std::string, std::string>> ReadMachineAnswer(const transport::HttpResponse& response);

/// One question to the metadata service, whose answer is of use for a while only.
class MachineQuestion {
 public:
  /// @param origin  where the service is: scheme, host and port
  /// @param time    how long from now on an answer is taken
  /// @param clock   outlives the question
  MachineQuestion(std::string_view origin, std::chrono::milliseconds time, const base::Clock& clock);

  /// No answer is of use any more.
  bool IsOver() const { return clock_.Now() > end_; }
  /// The request; never through a proxy, which would answer for its own machine.
  transport::HttpRequest Request() const;
  /// As ReadMachineAnswer; nullopt also if the time is over.
  std::optional<std::map<std::string, std::string>> Take(const transport::HttpResponse& response) const;

 private:
  const std::string origin_;
  const std::chrono::milliseconds time_;
  const base::Clock& clock_;
  const base::SteadyTime end_;
};

}  // namespace azmon::resource
