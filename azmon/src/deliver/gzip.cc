// SPDX-License-Identifier: MIT
#include "deliver/gzip.h"

#include <isa-l/igzip_lib.h>

#include <array>
#include <cstdint>

namespace azmon::deliver {

namespace {

constexpr std::size_t kBytesMax = 1U << 30;  // the compressor counts in 32 bits

/// Telemetry shrinks to less than an eighth; room for more would be cleared in vain.
constexpr std::size_t FirstGuess(std::size_t bytes) { return bytes / 8 + 1024; }

}  // namespace

struct Gzip::State {
  isal_zstream stream{};
  std::array<std::uint8_t, ISAL_DEF_LVL1_DEFAULT> level_buffer{};
};

Gzip::Gzip() : state_(std::make_unique<State>()) {}
Gzip::~Gzip() = default;

Result<void> Gzip::Append(std::string_view bytes, std::string& out) {
  if (bytes.size() > kBytesMax) return Error{.code = ErrorCode::kTooLarge, .detail = "too many bytes to compress at once"};
  isal_zstream& stream = state_->stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = state_->level_buffer.data();
  stream.level_buf_size = static_cast<std::uint32_t>(state_->level_buffer.size());
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  // Its interface knows no const; the input is only read.
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
  const std::size_t before = out.size();
  std::size_t room = FirstGuess(bytes.size());
  do {
    const std::size_t written = stream.total_out;
    out.resize(before + written + room);
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data()) + before + written;
    stream.avail_out = static_cast<std::uint32_t>(room);
    const int status = isal_deflate(&stream);
    const bool is_stuck = stream.total_out == written;
    if (status != COMP_OK || is_stuck) {
      out.resize(before);
      return Error{.code = ErrorCode::kSystem, .detail = "compression failed"};
    }
    room = bytes.size() / 2 + 1024;
  } while (stream.internal_state.state != ZSTATE_END);
  out.resize(before + stream.total_out);
  return {};
}

}  // namespace azmon::deliver
