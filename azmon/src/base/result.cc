// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <cstring>

namespace azmon {

std::string_view Name(ErrorCode code) {
  switch (code) {
    using enum ErrorCode;
    case kMalformed: return "malformed";
    case kTooLarge: return "too large";
    case kUnsupported: return "unsupported";
    case kNotFound: return "not found";
    case kConflict: return "conflict";
    case kBadSetting: return "bad setting";
    case kStorageFull: return "storage full";
    case kUnavailable: return "unavailable";
    case kTimeout: return "timeout";
    case kCancelled: return "cancelled";
    case kSystem: return "system";
    case kRefused: return "refused";
    case kInternal: return "internal";
  }
  return "unknown";
}

std::string Error::ToString() const {
  std::string text(Name(code));
  if (!detail.empty()) text.append(": ").append(detail);
  if (os_error != 0) text.append(" (").append(std::strerror(os_error)).append(")");  // NOLINT: glibc's strerror is thread-safe
  return text;
}

}  // namespace azmon
