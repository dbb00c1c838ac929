// SPDX-License-Identifier: MIT
// Where the data lies: the caller's directory, the usual one, or memory.
#pragma once

#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/result.h"
#include "local/cli/options.h"

namespace azmon::local {

struct Place {
  std::string directory;
  bool is_temporary = false;
  std::string description;  ///< for the banner
  std::string notice;       ///< why it is not what one would expect; empty if it is
};

/// @return kUnavailable no usable directory at all
/// Makes the directory. In memory means a directory in a tmpfs with enough room, else in $TMPDIR or /tmp; those that a killed process
/// left behind are removed.
Result<Place> FindPlace(const ServeOptions& options, const base::Environment& environment);

/// Writes a file so that readers see all of it or nothing.
Result<void> WriteFileWhole(const std::string& path, std::string_view text, unsigned mode = 0644);

}  // namespace azmon::local
