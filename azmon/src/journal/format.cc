// SPDX-License-Identifier: MIT
#include "journal/format.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "otlp/crc32c.h"

namespace azmon::journal {
namespace {

constexpr std::string_view kSegmentMagic = "AZMONSEG";
constexpr std::string_view kRingMagic = "AZMONRNG";
constexpr std::string_view kCursorMagic = "AZMONCUR";
constexpr std::uint32_t kBlockMagic = 0x4B4C425A;  // "ZBLK"
constexpr std::uint64_t kCursorCheck = 0xA5A5A5A55A5A5A5A;
constexpr std::size_t kRingStaticBytes = 64;

template <typename Integer>
Integer Load(std::string_view bytes, std::size_t offset) {
  Integer value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <typename Integer>
void Store(Integer value, char* to) {
  std::memcpy(to, &value, sizeof value);
}

/// Of a header whose checksum stands at 12: everything around it.
std::uint32_t HeaderCrc(std::string_view header) { return otlp::Crc32c(header.substr(16), otlp::Crc32c(header.substr(0, 12))); }

std::uint32_t BlockCrc(std::string_view header, const Hash& journal) {
  const std::uint32_t seed = otlp::Crc32c({journal.data(), journal.size()});
  return otlp::Crc32c(header.substr(12, kBlockHeaderBytes - 12), otlp::Crc32c(header.substr(0, 8), seed));
}

Error Malformed(const char* what) { return Error{.code = ErrorCode::kMalformed, .detail = what}; }

}  // namespace

void PutSegmentHeader(const SegmentHeader& header, char* to) {
  std::memset(to, 0, kSegmentHeaderBytes);
  std::memcpy(to, kSegmentMagic.data(), kSegmentMagic.size());
  Store(header.version, to + 8);
  Store(static_cast<std::uint16_t>(kSegmentHeaderBytes), to + 10);
  std::memcpy(to + 16, header.writer.data(), std::min<std::size_t>(header.writer.size(), 16));
  Store(header.created_ns, to + 32);
  Store(header.sequence, to + 40);
  Store(header.first_position, to + 48);
  for (std::size_t i = 0; i < kIdentities; ++i) std::memcpy(to + 64 + i * kHashBytes, header.identities[i].data(), kHashBytes);
  std::memcpy(to + 96, header.journal.data(), kHashBytes);
  Store(HeaderCrc({to, kSegmentHeaderBytes}), to + 12);
}

Result<SegmentHeader> ReadSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return Malformed("segment header is cut off");
  if (bytes.substr(0, 8) != kSegmentMagic) return Malformed("no segment");
  const std::size_t header_bytes = Load<std::uint16_t>(bytes, 10);
  if (header_bytes < kSegmentHeaderBytes || header_bytes > bytes.size()) return Malformed("segment header has a wrong length");
  if (HeaderCrc(bytes.substr(0, header_bytes)) != Load<std::uint32_t>(bytes, 12)) return Malformed("segment header's checksum is wrong");
  SegmentHeader header{.version = Load<std::uint16_t>(bytes, 8)};
  if (header.version == 0) return Malformed("segment version is 0");
  const std::string_view writer = bytes.substr(16, 16);
  header.writer = writer.substr(0, writer.find('\0'));
  if (header.version > kFormatVersion) {
    return Error{.code = ErrorCode::kUnsupported, .detail = "written by " + header.writer + " in format " + std::to_string(header.version)};
  }
  if (header_bytes != kSegmentHeaderBytes) return Malformed("segment header has a wrong length");
  header.created_ns = Load<std::int64_t>(bytes, 32);
  header.sequence = Load<std::uint64_t>(bytes, 40);
  header.first_position = Load<std::uint64_t>(bytes, 48);
  for (std::size_t i = 0; i < kIdentities; ++i) std::memcpy(header.identities[i].data(), bytes.data() + 64 + i * kHashBytes, kHashBytes);
  std::memcpy(header.journal.data(), bytes.data() + 96, kHashBytes);
  return header;
}

void PutBlockHeader(const BlockHeader& header, const Hash& journal, char* to) {
  char bytes[kBlockHeaderBytes] = {};
  Store(kBlockMagic, bytes);
  Store(header.payload_bytes, bytes + 4);
  Store(header.records, bytes + 12);
  Store(header.first_position, bytes + 16);
  Store(header.ring, bytes + 24);
  Store(header.ring_end, bytes + 32);
  Store(header.age_ns, bytes + 40);
  Store(BlockCrc({bytes, sizeof bytes}, journal), bytes + 8);
  std::memcpy(to + 4, bytes + 4, sizeof bytes - 4);
  // A kill between the two leaves no block, and its records still in their ring.
  std::atomic_ref(*reinterpret_cast<std::uint32_t*>(to)).store(kBlockMagic, std::memory_order_release);
}

bool BlockReader::Next() {
  for (; at_ + kBlockHeaderBytes <= segment_.size(); at_ += 8) {
    const std::string_view here = segment_.substr(at_);
    if (Load<std::uint32_t>(here, 0) != kBlockMagic) {
      if (Load<std::uint64_t>(here, 0) != 0) stray_bytes_ += 8;
      continue;
    }
    const BlockHeader header{.payload_bytes = Load<std::uint32_t>(here, 4),
                             .records = Load<std::uint32_t>(here, 12),
                             .first_position = Load<std::uint64_t>(here, 16),
                             .ring = Load<std::uint64_t>(here, 24),
                             .ring_end = Load<std::uint64_t>(here, 32),
                             .age_ns = Load<std::uint64_t>(here, 40)};
    const bool fits = header.payload_bytes <= here.size() - kBlockHeaderBytes && header.payload_bytes % 8 == 0;
    const bool is_whole = BlockCrc(here.substr(0, kBlockHeaderBytes), journal_) == Load<std::uint32_t>(here, 8);
    if (!is_whole || !fits || header.records > header.payload_bytes / otlp::kRecordHeaderBytes || header.first_position < next_position_) {
      stray_bytes_ += 8;
      continue;
    }
    next_position_ = header.first_position + header.records;
    header_ = header;
    payload_ = here.substr(kBlockHeaderBytes, header.payload_bytes);
    at_ += kBlockHeaderBytes + header.payload_bytes;
    end_ = at_;
    return true;
  }
  return false;
}

bool RecordReader::Next() {
  if (rest_.size() < otlp::kRecordHeaderBytes) {
    is_damaged_ |= !rest_.empty();
    return false;
  }
  if (is_trusted_) {
    record_ = otlp::TrustedRecord(rest_);
  } else {
    const auto record = otlp::ReadRecord(rest_);
    if (!record.ok()) {
      is_damaged_ = true;
      return false;
    }
    record_ = *record;
  }
  bytes_ = rest_.substr(0, Aligned(record_.Bytes()));
  rest_.remove_prefix(bytes_.size());
  return true;
}

void PutRingHeader(const RingHeader& header, char* to) {
  std::memcpy(to, kRingMagic.data(), kRingMagic.size());
  Store(kFormatVersion, to + 8);
  Store(static_cast<std::uint16_t>(kRingHeaderBytes), to + 10);
  Store(header.id, to + 16);
  Store(header.data_bytes, to + 24);
  std::memcpy(to + 32, header.journal.data(), kHashBytes);
  Store(HeaderCrc({to, kRingStaticBytes}), to + 12);
}

Result<RingHeader> ReadRingHeader(std::string_view bytes) {
  if (bytes.size() < kRingHeaderBytes || bytes.substr(0, 8) != kRingMagic) return Malformed("no ring");
  if (HeaderCrc(bytes.substr(0, kRingStaticBytes)) != Load<std::uint32_t>(bytes, 12)) return Malformed("ring header's checksum is wrong");
  if (Load<std::uint16_t>(bytes, 8) > kFormatVersion) return Error{.code = ErrorCode::kUnsupported, .detail = "ring of a later version"};
  RingHeader header{.id = Load<std::uint64_t>(bytes, 16), .data_bytes = Load<std::uint64_t>(bytes, 24)};
  std::memcpy(header.journal.data(), bytes.data() + 32, kHashBytes);
  const bool is_power_of_two = header.data_bytes != 0 && (header.data_bytes & (header.data_bytes - 1)) == 0;
  if (header.id == 0 || !is_power_of_two || header.data_bytes != bytes.size() - kRingHeaderBytes) return Malformed("ring has a wrong length");
  return header;
}

void PutCursorHeader(char* to) {
  std::memset(to, 0, kCursorFileBytes);
  std::memcpy(to, kCursorMagic.data(), kCursorMagic.size());
  Store(kFormatVersion, to + 8);
  for (std::size_t i = 0; i <= kEndCursor; ++i) PutCursor(i, 0, to);
}

void PutCursor(std::size_t which, std::uint64_t position, char* file) {
  auto* const words = reinterpret_cast<std::uint64_t*>(file + 64 + which * 16);
  std::atomic_ref(words[0]).store(position, std::memory_order_release);
  std::atomic_ref(words[1]).store(position ^ kCursorCheck, std::memory_order_release);
}

Cursors ReadCursors(std::string_view file) {
  Cursors cursors;
  if (file.size() < kCursorFileBytes || file.substr(0, 8) != kCursorMagic || Load<std::uint16_t>(file, 8) != kFormatVersion) return cursors;
  const auto read = [&](std::size_t i) {
    return std::min(Load<std::uint64_t>(file, 64 + i * 16), Load<std::uint64_t>(file, 64 + i * 16 + 8) ^ kCursorCheck);
  };
  for (std::size_t i = 0; i < cursors.settled.size(); ++i) cursors.settled[i] = read(i);
  cursors.end = read(kEndCursor);
  return cursors;
}

}  // namespace azmon::journal
