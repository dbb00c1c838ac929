// SPDX-License-Identifier: MIT
#include "services/shared/log.h"

#include <opentelemetry/logs/logger.h>
#include <opentelemetry/logs/provider.h>
#include <opentelemetry/trace/tracer.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/clock.h"
#include "base/json_writer.h"
#include "services/shared/console.h"
#include "services/shared/limits.h"
#include "services/shared/version.h"

namespace services {
namespace {

namespace logs = opentelemetry::logs;
using opentelemetry::nostd::string_view;

string_view Text(std::string_view text) { return {text.data(), text.size()}; }

struct State {
  std::string program;
  LogLevel level = LogLevel::kOff;
  LogFormat format = LogFormat::kText;
  LineGate gate{limits::kLogLinesPerSecondMax};
};

State& TheState() {
  static auto* const state = new State;
  return *state;
}

constexpr std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    default: return "error";
  }
}

logs::Severity SeverityOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return logs::Severity::kDebug;
    case LogLevel::kInfo: return logs::Severity::kInfo;
    case LogLevel::kWarn: return logs::Severity::kWarn;
    default: return logs::Severity::kError;
  }
}

/// Looked up once: the provider is set before the first line that matters to it and stays for the life of the process.
logs::Logger& TheLogger() {
  static const auto* const logger = new opentelemetry::nostd::shared_ptr<logs::Logger>(
      logs::Provider::GetLoggerProvider()->GetLogger("azmon.services", "azmon.services", Text(kVersion)));
  return **logger;
}

void Emit(LogLevel level, std::string_view message, std::initializer_list<LogField> fields, std::uint64_t suppressed) {
  auto record = TheLogger().CreateLogRecord();
  if (!record) return;
  record->SetTimestamp(opentelemetry::common::SystemTimestamp(std::chrono::system_clock::now()));
  record->SetSeverity(SeverityOf(level));
  record->SetBody(Text(message));
  for (const LogField& field : fields) {
    if (const auto* const number = std::get_if<std::int64_t>(&field.value)) {
      record->SetAttribute(Text(field.name), *number);
    } else {
      record->SetAttribute(Text(field.name), Text(std::get<std::string_view>(field.value)));
    }
  }
  if (suppressed > 0) record->SetAttribute("suppressed", static_cast<std::int64_t>(suppressed));
  TheLogger().EmitLogRecord(std::move(record));
}

/// RFC 3339 with milliseconds, UTC.
std::string TimeText(azmon::base::WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - day));
  std::array<char, 40> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                                 static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                                 static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

/// A value of key=value is bare if it is one word, else quoted as JSON is, so that no value can forge a second line or field.
void AppendTextValue(std::string_view value, std::string& out) {
  const bool is_word = !value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos &&
                       value.find_first_not_of("!#$%&'()*+,-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~") ==
                           std::string_view::npos;
  if (is_word) {
    out += value;
  } else {
    azmon::base::AppendJsonString(value, out);
  }
}

}  // namespace

void SetUpLog(std::string_view program, const LogSettings& settings) {
  State& state = TheState();
  state.program = program;
  state.level = settings.level;
  state.format = settings.format != LogFormat::kAuto ? settings.format : ::isatty(STDERR_FILENO) == 1 ? LogFormat::kText : LogFormat::kJson;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields, LogTo to) {
  State& state = TheState();
  if (level < state.level) return;
  const auto suppressed = state.gate.Pass(std::chrono::steady_clock::now());
  if (!suppressed) return;
  Emit(level, message, fields, *suppressed);
  if (to == LogTo::kTelemetryAlone) return;
  const auto context = opentelemetry::trace::Tracer::GetCurrentSpan()->GetContext();
  std::array<char, 32> trace_id{};
  std::array<char, 16> span_id{};
  if (context.IsValid()) {
    context.trace_id().ToLowerBase16(trace_id);
    context.span_id().ToLowerBase16(span_id);
  }
  const std::size_t ids = context.IsValid() ? 1 : 0;
  std::string line = LogLine(state.format, state.program, TimeText(azmon::base::SystemClock().WallNow()), level, message, fields,
                             {trace_id.data(), ids * trace_id.size()}, {span_id.data(), ids * span_id.size()});
  if (*suppressed > 0 && state.format == LogFormat::kText) line += " suppressed=" + std::to_string(*suppressed);
  if (*suppressed > 0 && state.format == LogFormat::kJson) line.insert(line.size() - 1, ",\"suppressed\":" + std::to_string(*suppressed));
  PrintErrorLine(line);
}

std::string LogLine(LogFormat format, std::string_view program, std::string_view time, LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields, std::string_view trace_id, std::string_view span_id) {
  std::string out;
  if (format == LogFormat::kJson) {
    azmon::base::JsonWriter json(out);
    json.OpenObject().Member("time", time).Member("level", Name(level)).Member("service", program).Member("message", message);
    if (!trace_id.empty()) json.Member("trace_id", trace_id).Member("span_id", span_id);
    for (const LogField& field : fields) {
      if (const auto* const number = std::get_if<std::int64_t>(&field.value)) {
        json.Member(field.name, *number);
      } else {
        json.Member(field.name, std::get<std::string_view>(field.value));
      }
    }
    json.CloseObject();
    return out;
  }
  out.append(program).append(": ");
  if (level >= LogLevel::kWarn) out.append(Name(level)).append(": ");
  out += message;
  for (const LogField& field : fields) {
    out.append(" ").append(field.name).append("=");
    if (const auto* const number = std::get_if<std::int64_t>(&field.value)) {
      out += std::to_string(*number);
    } else {
      AppendTextValue(std::get<std::string_view>(field.value), out);
    }
  }
  if (!trace_id.empty()) out.append(" trace=").append(trace_id);
  return out;
}

std::optional<std::uint64_t> LineGate::Pass(std::chrono::steady_clock::time_point now) {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  std::int64_t seen = second_.load(std::memory_order_relaxed);
  if (seen != second && second_.compare_exchange_strong(seen, second, std::memory_order_relaxed)) passed_.store(0, std::memory_order_relaxed);
  if (passed_.fetch_add(1, std::memory_order_relaxed) < per_second_) return suppressed_.exchange(0, std::memory_order_relaxed);
  suppressed_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

}  // namespace services
