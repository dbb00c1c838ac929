// SPDX-License-Identifier: MIT
#include "deliver/console_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <protozero/exception.hpp>

#include "base/json_writer.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/utf8.h"
#include "envelope/log.h"
#include "envelope/metric_points.h"
#include "envelope/span.h"
#include "envelope/span_parts.h"
#include "envelope/value_text.h"

namespace azmon::deliver {
namespace {

constexpr std::string_view kCut = "…";
/// Values longer than this are cut, so that the attributes behind them are seen too.
constexpr std::size_t kValueBytesMax = 200;

/// C0 and C1 controls and DEL.
bool IsControl(std::string_view code_point) {
  const auto first = static_cast<unsigned char>(code_point[0]);
  if (code_point.size() == 1) return first < 0x20 || first == 0x7F;
  return code_point.size() == 2 && first == 0xC2 && static_cast<unsigned char>(code_point[1]) < 0xA0;
}

void AppendEscaped(std::string_view code_point, std::string& out) {
  if (code_point == "\n") {
    out.append("\\n");
  } else if (code_point == "\t") {
    out.append("\\t");
  } else {
    out.append("\\x");
    base::AppendHex(code_point.substr(code_point.size() - 1), out);
  }
}

/// A line of limited length.
class Line {
 public:
  explicit Line(std::string& out) : out_(out), begin_(out.size()) {}

  /// A piece of our own: ASCII without control characters.
  void Piece(std::string_view text) { out_.append(text); }

  /// Text from outside; quoted if it holds blanks or quotes or is empty.
  void Text(std::string_view text, bool must_quote = false) {
    const std::string_view kept = base::CutUtf8Bytes(text, kValueBytesMax);
    const bool is_quoted = must_quote || kept.empty() || kept.find_first_of(" \"=\\") != std::string_view::npos;
    if (is_quoted) out_.push_back('"');
    for (std::string_view rest = kept; !rest.empty();) {
      const std::size_t length = base::Utf8SequenceLength(rest);
      const std::string_view code_point = rest.substr(0, std::max<std::size_t>(length, 1));
      if (length == 0 || IsControl(code_point)) {
        AppendEscaped(code_point, out_);
      } else {
        if (is_quoted && (code_point == "\"" || code_point == "\\")) out_.push_back('\\');
        out_.append(code_point);
      }
      rest.remove_prefix(code_point.size());
    }
    if (kept.size() < text.size()) out_.append(kCut);
    if (is_quoted) out_.push_back('"');
  }

  void Pair(std::string_view key, std::string_view value) {
    // Once the line is full, further pairs only cost time.
    if (out_.size() - begin_ > limits::kConsoleLineBytesMax) return;
    out_.push_back(' ');
    Text(key);
    out_.push_back('=');
    Text(value);
  }

  void Attributes(const envelope::AttributeList& attributes) {
    for (const envelope::Attribute& attribute : attributes) {
      scratch_.clear();
      envelope::AppendText(attribute.value, scratch_);
      Pair(attribute.key, scratch_);
    }
  }

  void Number(std::string_view key, double value) {
    scratch_.clear();
    base::AppendEcmaNumber(value, scratch_);
    out_.push_back(' ');
    out_.append(key).push_back('=');
    out_.append(scratch_);
  }

  void Id(std::string_view key, std::string_view bytes) {
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return;
    out_.push_back(' ');
    out_.append(key).push_back('=');
    base::AppendHex(bytes, out_);
  }

  void End() {
    constexpr std::size_t kBytesMax = limits::kConsoleLineBytesMax - 1;
    if (out_.size() - begin_ > kBytesMax) {
      const std::string_view line = std::string_view(out_).substr(begin_);
      out_.resize(begin_ + base::CutUtf8Bytes(line, kBytesMax - kCut.size()).size());
      out_.append(kCut);
    }
    out_.push_back('\n');
  }

 private:
  std::string& out_;
  const std::size_t begin_;
  std::string scratch_;
};

/// `hh:mm:ss.mmmZ`
void AppendTime(std::uint64_t nanos, Line& line) {
  envelope::TimeText text;
  line.Piece(text.Format(nanos).substr(11, 12));
  line.Piece("Z ");
}

std::string_view KindText(std::uint32_t kind) {
  constexpr std::array<std::string_view, 6> kTexts{"INTERNAL", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};
  return kTexts[kind < kTexts.size() ? kind : 0];
}

std::string_view SeverityText(std::uint64_t number) {
  constexpr std::array<std::string_view, 6> kTexts{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
  return number >= 1 && number <= 24 ? kTexts[(number - 1) / 4] : "LOG";
}

void AppendSpan(std::string_view message, std::string& out) {
  envelope::Span span;
  envelope::ReadSpan(message, span);
  Line line(out);
  line.Piece("span   ");
  AppendTime(span.start_nanos, line);
  line.Piece(KindText(span.kind));
  line.Piece(" ");
  line.Text(span.name, true);
  const double ms = span.end_nanos > span.start_nanos ? static_cast<double>(span.end_nanos - span.start_nanos) / 1e6 : 0;
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), ms, std::chars_format::fixed, 3);
  line.Piece(" ");
  line.Piece({text.data(), static_cast<std::size_t>(end.ptr - text.data())});
  line.Piece(span.status == otlp::status::kError ? " ms error" : " ms ok");
  line.Id("trace", span.trace_id);
  line.Id("span", span.span_id);
  line.Id("parent", span.parent_id);
  envelope::SpanEvent event;
  envelope::TextArena arena;
  for (const std::string_view event_message : span.events) {
    envelope::ReadSpanEvent(event_message, event);
    if (event.IsException()) {
      line.Pair("exception", arena.Join({event.attributes.Text(envelope::Key::kExceptionType, arena), ": ",
                                         event.attributes.Text(envelope::Key::kExceptionMessage, arena)}));
    } else {
      line.Pair("event", event.name);
    }
  }
  line.Attributes(span.attributes);
  line.End();
}

void AppendLog(std::string_view message, std::string& out) {
  envelope::LogRecord log;
  envelope::ReadLogRecord(message, log);
  envelope::TextArena arena;
  Line line(out);
  line.Piece("log    ");
  AppendTime(log.time_nanos != 0 ? log.time_nanos : log.observed_nanos, line);
  line.Piece(SeverityText(log.severity_number));
  line.Piece(" ");
  const std::string_view body = envelope::BodyText(log, arena);
  line.Text(body.empty() ? log.event_name : body, true);
  line.Id("trace", log.trace_id);
  line.Id("span", log.span_id);
  line.Attributes(log.attributes);
  line.End();
}

void AppendPoint(const envelope::Metric& metric, const envelope::Point& point, std::string& out) {
  Line line(out);
  line.Piece("metric ");
  AppendTime(point.time_nanos, line);
  line.Text(metric.name);
  if (!metric.unit.empty()) {
    line.Piece(" ");
    line.Text(metric.unit);
  }
  const bool is_number = metric.form == envelope::PointForm::kNumber;
  if (!is_number) line.Number("count", static_cast<double>(point.count));
  if (point.value.type == envelope::ValueType::kInt) {
    envelope::NumberText text;
    line.Piece(is_number ? " value=" : " sum=");
    line.Piece(text.Integer(point.value.integer));
  } else if (point.value.type == envelope::ValueType::kDouble) {
    line.Number(is_number ? "value" : "sum", point.value.number);
  }
  if (point.min) line.Number("min", *point.min);
  if (point.max) line.Number("max", *point.max);
  line.Attributes(point.attributes);
  line.End();
}

std::uint32_t AppendMetric(std::string_view message, std::string& out) {
  const envelope::Metric metric = envelope::ReadMetric(message);
  if (metric.form == envelope::PointForm::kNone) return 0;
  std::uint32_t points = 0;
  envelope::ForEachPoint(metric, [&](const envelope::Point& point) {
    if (++points <= kConsolePointsMax) AppendPoint(metric, point, out);
  });
  if (points <= kConsolePointsMax) return points;
  Line line(out);
  line.Piece("metric ");
  line.Text(metric.name);
  line.Piece(": and " + std::to_string(points - kConsolePointsMax) + " points more");
  line.End();
  return kConsolePointsMax + 1;
}

}  // namespace

std::uint32_t AppendConsoleLines(const otlp::RecordView& record, std::string& out) {
  const std::size_t before = out.size();
  try {
    switch (record.signal) {
      case otlp::Signal::kSpan: AppendSpan(record.message, out); return 1;
      case otlp::Signal::kLog: AppendLog(record.message, out); return 1;
      case otlp::Signal::kMetric: return AppendMetric(record.message, out);
      case otlp::Signal::kScope:
      case otlp::Signal::kResource: break;
    }
  } catch (const protozero::exception&) {
    out.resize(before);
  }
  return 0;
}

}  // namespace azmon::deliver
