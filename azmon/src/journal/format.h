// SPDX-License-Identifier: MIT
// The bytes of segments, rings and cursors: docs/reference/journal-format.md. Format version 1.
//
// Writes and reads them; knows nothing of files. What is read may be anybody's bytes: no length is trusted, nothing is returned whose
// checksum fails. Used by the journal, its adoption and azmon-journal.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "otlp/record.h"

namespace azmon::journal {

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 128;
inline constexpr std::size_t kBlockHeaderBytes = 48;
inline constexpr std::size_t kRingHeaderBytes = 4096;
inline constexpr std::size_t kHashBytes = 16;
/// Azure and OTLP; meter and console have no identity because they are in the process.
inline constexpr std::size_t kIdentities = 2;

/// Records and blocks begin at multiples of it.
constexpr std::size_t Aligned(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

using Hash = std::array<char, kHashBytes>;

struct SegmentHeader {
  std::uint16_t version = kFormatVersion;
  std::string writer;           ///< name and version of the program part that wrote it, at most 16 bytes
  std::int64_t created_ns = 0;  ///< wall clock, since 1970
  std::uint64_t sequence = 0;   ///< of the segment in its journal, from 1
  std::uint64_t first_position = 0;  ///< that its first record has or would have
  std::array<Hash, kIdentities> identities{};  ///< of the destinations; zeros: none
  Hash journal{};               ///< random; also the seed of the blocks' checksums
};

/// Writes kSegmentHeaderBytes.
void PutSegmentHeader(const SegmentHeader& header, char* to);
/// @return kUnsupported: whole, but of a later version; kMalformed otherwise
Result<SegmentHeader> ReadSegmentHeader(std::string_view bytes);

struct BlockHeader {
  std::uint32_t payload_bytes = 0;   ///< a multiple of 8
  std::uint32_t records = 0;         ///< without scopes and resources
  std::uint64_t first_position = 0;  ///< of its first record
  std::uint64_t ring = 0;            ///< the ring that the records came from; 0: none
  std::uint64_t ring_end = 0;        ///< position in that ring behind the last of them
  std::uint64_t age_ns = 0;          ///< of the segment when the block was written, by the steady clock
};

/// Writes kBlockHeaderBytes, the magic number last: until then there is no block.
void PutBlockHeader(const BlockHeader& header, const Hash& journal, char* to);

/// Walks over the blocks of a segment, also of a damaged one: where no block begins, the next place where one does is looked for.
class BlockReader {
 public:
  BlockReader(std::string_view segment, const Hash& journal) : segment_(segment), journal_(journal), at_(kSegmentHeaderBytes) {}

  bool Next();
  const BlockHeader& Header() const { return header_; }
  std::string_view Payload() const { return payload_; }
  /// Bytes that are neither blocks nor zeros. A torn end is normal after a kill.
  std::uint64_t StrayBytes() const { return stray_bytes_; }
  /// Behind the last block.
  std::size_t End() const { return end_; }

 private:
  const std::string_view segment_;
  const Hash journal_;
  std::size_t at_;
  std::size_t end_ = kSegmentHeaderBytes;
  BlockHeader header_;
  std::string_view payload_;
  std::uint64_t next_position_ = 0;
  std::uint64_t stray_bytes_ = 0;
};

/// Walks over the records of a block's payload or of a ring, up to the first one that is not whole.
class RecordReader {
 public:
  explicit RecordReader(std::string_view payload, bool is_trusted = false) : rest_(payload), is_trusted_(is_trusted) {}

  bool Next();
  const otlp::RecordView& Record() const { return record_; }
  /// The record's bytes with its padding.
  std::string_view Bytes() const { return bytes_; }
  /// Bytes were left over that are no record.
  bool IsDamaged() const { return is_damaged_; }

 private:
  std::string_view rest_;
  const bool is_trusted_;
  otlp::RecordView record_;
  std::string_view bytes_;
  bool is_damaged_ = false;
};

constexpr bool IsDefinition(otlp::Signal signal) { return signal == otlp::Signal::kScope || signal == otlp::Signal::kResource; }

struct RingHeader {
  std::uint64_t id = 0;  ///< of the ring in its journal, from 1
  std::uint64_t data_bytes = 0;
  Hash journal{};
};
void PutRingHeader(const RingHeader& header, char* to);
Result<RingHeader> ReadRingHeader(std::string_view bytes);

/// Where the producer's and the consumer's positions stand in a ring's header, each on cache lines of its own.
inline constexpr std::size_t kRingHeadOffset = 512;
inline constexpr std::size_t kRingTailOffset = 1024;
/// In place of a record's length: the rest up to the ring's end is empty.
inline constexpr std::uint32_t kRingWrap = 0xFFFFFFFF;

/// What a journal knows of itself beside its segments; each number has a check word.
struct Cursors {
  std::array<std::uint64_t, 4> settled{};  ///< of each destination: what lies at or below it is not delivered again
  std::uint64_t end = 0;                   ///< position of the newest record in a segment

  friend bool operator==(const Cursors&, const Cursors&) = default;
};
inline constexpr std::size_t kCursorFileBytes = 256;
inline constexpr std::size_t kEndCursor = 4;
void PutCursorHeader(char* to);
/// @param which  a destination, or kEndCursor
void PutCursor(std::size_t which, std::uint64_t position, char* file);
/// A damaged cursor reads as the lower of what its two words say: records may come twice, none is lost.
Cursors ReadCursors(std::string_view file);

}  // namespace azmon::journal
