// SPDX-License-Identifier: MIT
#include "deliver/gzip.h"

#include <libdeflate.h>

namespace azmon::deliver {

void Gzip::Deleter::operator()(void* compressor) const { libdeflate_free_compressor(static_cast<libdeflate_compressor*>(compressor)); }

Gzip::Gzip() : compressor_(libdeflate_alloc_compressor(1)) {}
Gzip::~Gzip() = default;

Result<void> Gzip::Append(std::string_view bytes, std::string& out) {
  auto* const compressor = static_cast<libdeflate_compressor*>(compressor_.get());
  if (compressor == nullptr) return Error{.code = ErrorCode::kSystem, .detail = "no memory for compression"};
  const std::size_t before = out.size();
  const std::size_t bound = libdeflate_gzip_compress_bound(compressor, bytes.size());
  out.resize(before + bound);
  const std::size_t written = libdeflate_gzip_compress(compressor, bytes.data(), bytes.size(), out.data() + before, bound);
  out.resize(before + written);
  if (written == 0) return Error{.code = ErrorCode::kSystem, .detail = "compression failed"};
  return {};
}

}  // namespace azmon::deliver
