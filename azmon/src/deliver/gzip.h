// SPDX-License-Identifier: MIT
// Compression of request bodies.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace azmon::deliver {

/// Compresses whole bodies to gzip (RFC 1952) at ISA-L's level 1. Keeps its working memory, about 400 KB. Not thread-safe.
/// Why this one: docs/decisions/0009-gzip-of-requests-by-isa-l.md
class Gzip {
 public:
  Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip();

  /// Appends the compressed bytes to `out`.
  /// @param bytes  at most 1 GiB
  /// @return kTooLarge, or kSystem if the compressor fails; `out` is as before then
  Result<void> Append(std::string_view bytes, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace azmon::deliver
