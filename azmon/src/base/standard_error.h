// SPDX-License-Identifier: MIT
// Standard error, behind an interface that a test replaces.
#pragma once

#include <cstddef>
#include <string_view>

namespace azmon::base {

/// Takes whole lines or nothing.
class LineSink {
 public:
  virtual ~LineSink() = default;

  /// Writes `lines`, which end with '\n', at once.
  /// @param lines  at most kLineSinkBytesMax
  /// @return false: it would have waited, or nobody reads; nothing was written
  virtual bool TryWrite(std::string_view lines) = 0;
};

/// POSIX writes so much to a pipe as a whole, and a pipe that is writable has room for it.
inline constexpr std::size_t kLineSinkBytesMax = 4096;

/// The process's standard error. Never destroyed. Never waits for a reader: what a full pipe or a stopped terminal does not take is
/// refused. SIGPIPE is not raised.
LineSink& StandardError();

bool IsStandardErrorATerminal();

}  // namespace azmon::base
