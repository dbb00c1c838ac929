// SPDX-License-Identifier: MIT
// The files of a dead process's journal: never a record whose checksum is wrong, never a byte outside the file, positions in order.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "journal/format.h"
#include "journal/ring.h"
#include "otlp/annotations.h"

namespace {

using namespace azmon::journal;  // NOLINT: one file

void ReadSegment(std::string_view bytes, const Hash& journal) {
  BlockReader blocks(bytes, journal);
  std::uint64_t next = 0;
  while (blocks.Next()) {
    AZMON_CHECK(blocks.Header().first_position >= next);
    next = blocks.Header().first_position + blocks.Header().records;
    const std::string_view payload = blocks.Payload();
    AZMON_CHECK(payload.data() >= bytes.data() && payload.data() + payload.size() <= bytes.data() + bytes.size());
    std::size_t used = 0;
    for (RecordReader records(payload); records.Next();) {
      AZMON_CHECK(azmon::otlp::ReadRecord(records.Bytes()).ok());
      used += records.Bytes().size();
      (void)azmon::otlp::ReadAnnotations(records.Record().annotations);
    }
    AZMON_CHECK(used <= payload.size());
    AZMON_CHECK(blocks.End() <= bytes.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);  // its end is an end for the sanitizer
  const auto segment = ReadSegmentHeader(bytes);
  // Also behind a header that is not whole: mutations rarely find a checksum.
  ReadSegment(bytes, segment.ok() ? segment->journal : Hash{});
  if (const auto ring = ReadRingHeader(bytes); ring.ok()) {
    std::uint64_t before = 0;
    (void)ReadOrphanedRing(bytes, *ring, {}, [&](std::string_view run, std::uint64_t end) {
      AZMON_CHECK(end > before && run.size() <= ring->data_bytes);
      before = end;
      for (RecordReader records(run); records.Next();) AZMON_CHECK(azmon::otlp::ReadRecord(records.Bytes()).ok());
    });
  }
  (void)ReadCursors(bytes);
  return 0;
}
