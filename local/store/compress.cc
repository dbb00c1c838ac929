// SPDX-License-Identifier: MIT
#include "local/store/compress.h"

#include <libdeflate.h>

#include <memory>

namespace azmon::local {
namespace {

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

libdeflate_decompressor* Decompressor() {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(libdeflate_alloc_decompressor());
  return decompressor.get();
}

}  // namespace

std::string Compress(std::string_view bytes) {
  thread_local const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(libdeflate_alloc_compressor(1));
  std::string out;
  out.resize(libdeflate_deflate_compress_bound(compressor.get(), bytes.size()));
  out.resize(libdeflate_deflate_compress(compressor.get(), bytes.data(), bytes.size(), out.data(), out.size()));
  return out;
}

Result<std::string> Decompress(std::string_view bytes, std::size_t bytes_plain) {
  std::string out;
  out.resize(bytes_plain);
  std::size_t written = 0;
  if (libdeflate_deflate_decompress(Decompressor(), bytes.data(), bytes.size(), out.data(), out.size(), &written) != LIBDEFLATE_SUCCESS ||
      written != bytes_plain) {
    return Error{ErrorCode::kMalformed, "a stored body is damaged"};
  }
  return out;
}

}  // namespace azmon::local
