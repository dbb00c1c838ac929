// SPDX-License-Identifier: MIT
// Business spans of the services.
//
// Each is INTERNAL, a child of what is current, and current itself until it ends, also across co_await (azmon/asio.h carries the
// context with the coroutine). HTTP spans are not made here: azmon/http.h does that in net/'s hooks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/trace/scope.h>
#include <opentelemetry/trace/span.h>

#include "services/shared/problem.h"

namespace services {

class Span {
 public:
  /// Call it after azmon::Configure().
  explicit Span(std::string_view name);
  /// Ends the span.
  ~Span();
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  void Set(std::string_view key, std::string_view value);
  void Set(std::string_view key, std::int64_t value);

  /// Marks the span as failed: status ERROR, `error.type`, and an exception event.
  ///
  /// @param type    short and of few values: "timeout", "order_conflict"
  /// @param detail  for a person; holds no secrets
  void Fail(std::string_view type, std::string_view detail);
  void Fail(const Problem& problem) { Fail(problem.code, problem.detail); }

  /// 32 lower-case hexadecimal digits; all '0' without telemetry.
  std::string TraceId() const;

 private:
  opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span> span_;
  opentelemetry::trace::Scope scope_;
};

}  // namespace services
