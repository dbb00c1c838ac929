// SPDX-License-Identifier: MIT
// Compression of request bodies.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace azmon::deliver {

/// Compresses whole bodies to gzip (RFC 1952) at the fastest level. Keeps its working memory. Not thread-safe.
class Gzip {
 public:
  Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip();

  /// Appends the compressed bytes to `out`.
  /// @return kSystem if there is no memory; `out` is as before
  Result<void> Append(std::string_view bytes, std::string& out);

 private:
  struct Deleter {
    void operator()(void* compressor) const;
  };
  std::unique_ptr<void, Deleter> compressor_;
};

}  // namespace azmon::deliver
