// SPDX-License-Identifier: MIT
// Expected failures as values.
//
// Every fallible function of this project returns Result<T>; exceptions of other libraries are turned into one at the line that calls
// them. Used everywhere; knows nothing of what failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace azmon {

/// Stable numbers of failures. A number is never reused; new ones are added at the end of their group.
enum class ErrorCode : std::uint16_t {
  // Input from outside
  kMalformed = 100,    ///< bytes or text that do not follow their grammar
  kTooLarge = 101,     ///< over a limit of base/limits.h
  kUnsupported = 102,  ///< well formed, but not offered
  kNotFound = 103,
  kConflict = 104,
  // Settings
  kBadSetting = 200,
  // Resources
  kStorageFull = 300,
  kUnavailable = 301,  ///< a peer or a file system does not answer now; later may work
  kTimeout = 302,
  kCancelled = 303,
  kSystem = 304,  ///< a system call failed; see Error::os_error
  // Peers
  kRefused = 400,  ///< the peer answered and said no
  kInternal = 900,
};

/// The name of a code as it is printed and documented, for example "malformed".
std::string_view Name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string detail;  ///< what failed and what to do, for a person; holds no secrets
  int os_error = 0;    ///< errno of the call that failed, 0 if none

  /// "malformed: the connection string's segment 3 has no '='".
  std::string ToString() const;
};

/// A value, or why there is none. T may not be Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: converts on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: converts on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { AZMON_CHECK(ok()); return *std::get_if<0>(&state_); }
  const T& value() const& { AZMON_CHECK(ok()); return *std::get_if<0>(&state_); }
  T&& value() && { AZMON_CHECK(ok()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { AZMON_CHECK(!ok()); return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: converts on purpose

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { AZMON_CHECK(!ok()); return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace azmon
