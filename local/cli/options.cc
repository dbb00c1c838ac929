// SPDX-License-Identifier: MIT
#include "local/cli/options.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "local/query/filter.h"

namespace azmon::local {

const std::string_view kHelp = R"(azmon-local: a local Azure Monitor. Takes what Application Insights and OpenTelemetry SDKs send, and shows it.

  azmon-local [FLAGS]                          serve until Ctrl-C
  azmon-local [FLAGS] run [FLAGS] -- COMMAND…  serve while COMMAND runs, with the variables set that send its telemetry here;
                                               ends with the command's exit code
  azmon-local wait [--url U] [--operation-id X] [--where NAME=VALUE]… [--count N] [--timeout 10s]
                                               until at least N items (1) match: exit code 0; else 1, with what was seen

  --host ADDRESS         where to listen (127.0.0.1). Anything else lets others read your telemetry
  --port N               page, API, ingestion, Live Metrics (4380); 0: a free one
  --otlp-grpc-port N     OTLP/gRPC (4317); 0: a free one
  --otlp-http-port N     OTLP/HTTP (4318); 0: a free one
  --location DIR         where to keep the data ($XDG_STATE_HOME/azmon-local or ~/.local/state/azmon-local; `run`: in memory)
  --in-memory            keep nothing behind the end of the process
  --max-size SIZE        the oldest items go above it (1GiB; in memory 256MiB)
  --retention TIME       items older than this go (7d)
  --strict | --loose     refuse what the service would refuse (default), or take whatever can be shown
  --allowed-host NAME    answer API and page also under this name; may be repeated
  --ui-dir DIR           serve the page from here instead of the built-in one
  --ready-json FILE      written when everything listens: pid, page, ingestion, live, otlpGrpc, otlpHttp, caFile, connectionString
  --silent               say nothing at start
  --help, --version

--where NAME=VALUE compares a field of an item (itemType, name, resultCode, cloud_RoleName, …) or customDimensions.NAME.
Flags take `--flag VALUE` and `--flag=VALUE`. Exit codes: 0 done, 1 failed, 2 usage or settings. No telemetry is ever sent anywhere.
)";

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && base::IsDigit(text[digits])) ++digits;
  const auto number = base::ParseInteger<std::uint64_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
  };
  constexpr std::array<Unit, 11> kUnits = {{{"", 1}, {"b", 1}, {"k", 1024}, {"kb", 1000}, {"kib", 1024}, {"m", 1u << 20}, {"mb", 1'000'000},
                                           {"mib", 1u << 20}, {"g", 1u << 30}, {"gb", 1'000'000'000}, {"gib", 1u << 30}}};
  for (const Unit& unit : kUnits) {
    if (!base::EqualsIgnoreCase(text.substr(digits), unit.name)) continue;
    if (*number > UINT64_MAX / unit.bytes) return std::nullopt;
    return *number * unit.bytes;
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && base::IsDigit(text[digits])) ++digits;
  const auto number = base::ParseInteger<std::uint32_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<Unit, 6> kUnits = {{{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  for (const Unit& unit : kUnits) {
    if (text.substr(digits) == unit.name) return std::chrono::milliseconds(*number * unit.ms);
  }
  return std::nullopt;
}

namespace {

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  CommandLine Read() {
    while (at_ < arguments_.size()) {
      const std::string& argument = arguments_[at_++];
      if (argument == "--help" || argument == "-h") return {.mode = CommandLine::Mode::kHelp};
      if (argument == "--version") return {.mode = CommandLine::Mode::kShowVersion};
      if (argument == "--") {
        if (!is_run_) Problem("'--' comes after `run`");
        line_.serve.command.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(at_), arguments_.end());
        at_ = arguments_.size();
      } else if (argument == "run" && !is_run_ && line_.mode == CommandLine::Mode::kServe) {
        is_run_ = true;
      } else if (argument == "wait" && !is_run_ && !has_serve_flags_) {
        line_.mode = CommandLine::Mode::kWait;
      } else if (argument.starts_with("--")) {
        Flag(argument);
      } else {
        Problem("'" + argument + "' is not understood" + (is_run_ ? "; the command comes after '--'" : ""));
      }
    }
    Check();
    return std::move(line_);
  }

 private:
  void Problem(std::string text) { line_.problems.push_back(std::move(text)); }

  void Flag(const std::string& argument) {
    const auto equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const auto boolean = [&] {
      if (equals != std::string::npos) Problem("--" + name + " takes no value");
      has_serve_flags_ = true;
      return true;
    };
    if (line_.mode == CommandLine::Mode::kServe) {
      if (name == "in-memory") { line_.serve.in_memory = boolean(); return; }
      if (name == "silent") { line_.serve.is_silent = boolean(); return; }
      if (name == "strict" || name == "loose") {
        boolean();
        if (strictness_ && *strictness_ != name) Problem("--strict and --loose exclude each other");
        strictness_ = name;
        line_.serve.strictness = name == "strict" ? Strictness::kStrict : Strictness::kLoose;
        return;
      }
    }
    std::string value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (at_ < arguments_.size() && arguments_[at_] != "--") {
      value = arguments_[at_++];
    } else {
      Problem("--" + name + " needs a value");
      return;
    }
    if (value.empty()) Problem("--" + name + " has an empty value");
    else if (line_.mode == CommandLine::Mode::kWait) WaitFlag(name, value);
    else ServeFlag(name, value);
  }

  void Port(const std::string& name, const std::string& value, std::uint16_t& port, bool& is_given) {
    const auto number = base::ParseInteger<std::uint16_t>(value);
    if (!number) return Problem("--" + name + "=" + value + " is no port: 0 to 65535");
    port = *number;
    is_given = true;
  }

  void ServeFlag(const std::string& name, const std::string& value) {
    has_serve_flags_ = true;
    ServeOptions& serve = line_.serve;
    if (name == "host") serve.host = value;
    else if (name == "port") Port(name, value, serve.port, serve.is_port_given);
    else if (name == "otlp-grpc-port") Port(name, value, serve.otlp_grpc_port, serve.is_grpc_port_given);
    else if (name == "otlp-http-port") Port(name, value, serve.otlp_http_port, serve.is_http_port_given);
    else if (name == "location") serve.location = value;
    else if (name == "ready-json") serve.ready_json = value;
    else if (name == "ui-dir") serve.ui_directory = value;
    else if (name == "allowed-host") serve.allowed_hosts.push_back(value);
    else if (name == "max-size") {
      serve.bytes_max = ParseSize(value);
      if (!serve.bytes_max || *serve.bytes_max < limits::kStoreBytesLeast) Problem("--max-size=" + value + " is no size of at least 4MiB, for example 512MiB");
    } else if (name == "retention") {
      const auto time = ParseDuration(value);
      if (!time || *time < std::chrono::seconds(1)) Problem("--retention=" + value + " is no time of at least 1s, for example 24h");
      else serve.retention = std::chrono::duration_cast<std::chrono::seconds>(*time);
    } else {
      Problem("there is no flag --" + name);
    }
  }

  void WaitFlag(const std::string& name, const std::string& value) {
    WaitOptions& wait = line_.wait;
    if (name == "url") wait.url = value;
    else if (name == "operation-id") wait.operation_id = value;
    else if (name == "where") {
      if (const auto condition = Condition::Parse(value); !condition) Problem("--where: " + condition.error().detail);
      else wait.where.push_back(value);
    } else if (name == "count") {
      const auto count = base::ParseInteger<std::size_t>(value);
      if (!count) Problem("--count=" + value + " is no number; 0 waits for azmon-local itself");
      else wait.count = *count;
    } else if (name == "timeout") {
      const auto time = ParseDuration(value);
      if (!time) Problem("--timeout=" + value + " is no time, for example 10s");
      else wait.timeout = *time;
    } else {
      Problem("`wait` has no flag --" + name);
    }
  }

  void Check() {
    if (is_run_ && line_.serve.command.empty() && line_.problems.empty()) Problem("`run` needs a command: azmon-local run -- COMMAND…");
    if (line_.serve.in_memory && line_.serve.location) Problem("--in-memory and --location exclude each other");
  }

  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  bool is_run_ = false;
  bool has_serve_flags_ = false;
  std::optional<std::string> strictness_;
  CommandLine line_;
};

}  // namespace

CommandLine ParseCommandLine(const std::vector<std::string>& arguments) { return Reader(arguments).Read(); }

}  // namespace azmon::local
