// SPDX-License-Identifier: MIT
// The command line of azmon-local. Pure: arguments go in, options or all problems at once come out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local/ingest/track.h"
#include "local/model/limits.h"

namespace azmon::local {

struct ServeOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4380, otlp_grpc_port = 4317, otlp_http_port = 4318;
  /// Which ports the caller asked for; the others may be replaced by free ones under `run`.
  bool is_port_given = false, is_grpc_port_given = false, is_http_port_given = false;
  std::optional<std::string> location;
  bool in_memory = false;
  std::optional<std::uint64_t> bytes_max;
  std::chrono::seconds retention = limits::kRetention;
  Strictness strictness = Strictness::kStrict;
  std::string ready_json, ui_directory;
  std::vector<std::string> allowed_hosts;
  bool is_silent = false;
  std::vector<std::string> command;  ///< of `run`; empty otherwise
};

struct WaitOptions {
  std::string url = "http://127.0.0.1:4380";
  std::optional<std::string> operation_id;
  std::vector<std::string> where;
  std::size_t count = 1;
  std::chrono::milliseconds timeout{10'000};
};

struct CommandLine {
  enum class Mode : std::uint8_t { kServe, kWait, kHelp, kShowVersion } mode = Mode::kServe;
  ServeOptions serve;
  WaitOptions wait;
  std::vector<std::string> problems;  ///< not empty: nothing else counts
};

/// @param arguments  without the program's name
CommandLine ParseCommandLine(const std::vector<std::string>& arguments);

/// "64MiB", "1GB", "4096": bytes.
std::optional<std::uint64_t> ParseSize(std::string_view text);
/// "10s", "250ms", "7d", "90": seconds if there is no unit.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

extern const std::string_view kHelp;

}  // namespace azmon::local
