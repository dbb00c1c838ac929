// SPDX-License-Identifier: MIT
#include "net/codec/gzip.h"

#include <algorithm>
#include <memory>

#include <libdeflate.h>

namespace net {

Result<std::string> Gunzip(std::string_view bytes, std::size_t bytes_max) {
  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
  };
  const std::unique_ptr<libdeflate_decompressor, Free> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) return Error{ErrorCode::kSystem, "no memory to inflate"};
  if (bytes.empty()) return Error{ErrorCode::kMalformed, "the gzip body is empty"};

  std::string out;
  std::size_t used = 0;
  // The trailer's length is the sender's word, so the buffer grows with what comes out, from a usual ratio on.
  std::size_t room = std::min(bytes_max, std::max<std::size_t>(bytes.size() * 6, 1024));
  while (!bytes.empty()) {
    // One byte more than allowed tells "exactly the limit" from "over it"; the member is inflated anew into a larger buffer.
    out.resize(used + room + 1);
    std::size_t read = 0;
    std::size_t written = 0;
    const auto result =
        libdeflate_gzip_decompress_ex(decompressor.get(), bytes.data(), bytes.size(), out.data() + used, room + 1, &read, &written);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE || (result == LIBDEFLATE_SUCCESS && used + written > bytes_max)) {
      if (used + room >= bytes_max) return Error{ErrorCode::kTooLarge, "the body inflates to more than is allowed"};
      room = std::min(bytes_max - used, room * 2);
      continue;
    }
    if (result != LIBDEFLATE_SUCCESS) return Error{ErrorCode::kMalformed, "the gzip body is broken"};
    used += written;
    bytes.remove_prefix(read);
    room = std::min(bytes_max - used, room);
  }
  out.resize(used);
  return out;
}

}  // namespace net
