// SPDX-License-Identifier: MIT
#include "deliver/console_destination.h"

#include <algorithm>

#include "deliver/console_line.h"

namespace azmon::deliver {
namespace {

/// What one look into the journal takes.
constexpr std::size_t kRecordsAtOnce = 512;
constexpr std::size_t kBytesAtOnce = 512 * 1024;
constexpr std::chrono::seconds kTellInterval{1};

}  // namespace

ConsoleDestination::ConsoleDestination(journal::Journal& journal, base::LineSink& sink)
    : journal_(journal), sink_(sink), flush_(journal, journal::Destination::kConsole) {}

base::SteadyTime ConsoleDestination::Step(base::SteadyTime now) {
  const auto backlog = journal_.BacklogOf(journal::Destination::kConsole);
  if (departure_.IsDue(now, backlog.records, backlog.bytes >= limits::kBatchFullBytes || !flush_.IsReached())) {
    departure_.Left();
    const double seconds = std::chrono::duration<double>(now - allowed_at_).count();
    lines_allowed_ = std::min<double>(limits::kConsoleLinesAtOnce, lines_allowed_ + seconds * limits::kConsoleLinesPerSecond);
    allowed_at_ = now;
    // What is appended meanwhile waits for the next step.
    const journal::Position end = journal_.End();
    for (;;) {
      const journal::Batch batch = journal_.Read(journal::Destination::kConsole, kRecordsAtOnce, kBytesAtOnce);
      if (batch.entries.empty()) break;
      Print(batch);
      if (batch.end >= end) break;
    }
  }
  if (left_out_ != 0 && now >= tell_at_) TellLeftOut(now);
  return std::min(departure_.DueAt(), left_out_ != 0 && can_tell_ ? tell_at_ : base::SteadyTime::max());
}

void ConsoleDestination::Print(const journal::Batch& batch) {
  journal::Settlement settlement;
  std::string lines;
  std::string record_lines;
  std::uint64_t waiting = 0;  // records whose lines are in `lines`
  const auto flush = [&] {
    if (waiting == 0) return;
    if (Write(lines)) {
      settlement.delivered += waiting;
    } else {
      settlement.Drop(journal::DropReason::kThrottled, waiting);
      left_out_ += waiting;
    }
    waiting = 0;
    lines.clear();
  };
  for (const auto& entry : batch.entries) {
    record_lines.clear();
    const std::uint32_t count = lines_allowed_ < 1 ? 1 : AppendConsoleLines(entry.record, record_lines);
    if (count == 0) {
      settlement.Drop(journal::DropReason::kMalformed);
      continue;
    }
    if (count > lines_allowed_) {
      settlement.Drop(journal::DropReason::kThrottled);
      ++left_out_;
      continue;
    }
    lines_allowed_ -= count;
    if (lines.size() + record_lines.size() > base::kLineSinkBytesMax) flush();
    lines.append(record_lines);
    ++waiting;
  }
  flush();
  journal_.Settle(journal::Destination::kConsole, batch, settlement);
}

/// A metric's lines may be more than the sink takes at once: then they go in pieces of whole lines.
bool ConsoleDestination::Write(std::string& lines) {
  std::string_view rest = lines;
  while (!rest.empty()) {
    std::string_view piece = rest;
    if (piece.size() > base::kLineSinkBytesMax) piece = piece.substr(0, piece.rfind('\n', base::kLineSinkBytesMax - 1) + 1);
    if (!sink_.TryWrite(piece)) return false;
    rest.remove_prefix(piece.size());
  }
  return true;
}

void ConsoleDestination::TellLeftOut(base::SteadyTime now) {
  tell_at_ = now + kTellInterval;
  const std::string line = "azmon: " + std::to_string(left_out_) + " items are not shown: the console takes " +
                           std::to_string(limits::kConsoleLinesPerSecond) + " lines a second, and none while nobody reads\n";
  // While nobody reads, the next items are the next occasion: idle costs nothing.
  can_tell_ = sink_.TryWrite(line);
  if (can_tell_) left_out_ = 0;
}

}  // namespace azmon::deliver
