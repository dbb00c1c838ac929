// SPDX-License-Identifier: MIT
#include "otlp/record.h"

#include <cstring>

#include "base/limits.h"
#include "otlp/crc32c.h"

namespace azmon::otlp {
namespace {

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

Error Malformed(const char* what) { return Error{.code = ErrorCode::kMalformed, .detail = what}; }

}  // namespace

void PutRecord(const RecordView& record, char* to) {
  Store(static_cast<std::uint32_t>(record.annotations.size() + record.message.size()), to);
  to[8] = static_cast<char>(record.signal);
  to[9] = static_cast<char>(record.flags);
  Store(static_cast<std::uint16_t>(record.annotations.size()), to + 10);
  Store(record.owner, to + 12);
  char* const annotations = to + kRecordHeaderBytes;
  if (!record.annotations.empty()) std::memcpy(annotations, record.annotations.data(), record.annotations.size());
  if (!record.message.empty()) std::memcpy(annotations + record.annotations.size(), record.message.data(), record.message.size());
  Store(Crc32c({to + 8, record.Bytes() - 8}), to + 4);
}

void AppendRecord(const RecordView& record, std::string& out) {
  AZMON_DCHECK(record.annotations.size() <= 0xFFFF && record.Bytes() <= limits::kRecordBytesMax);
  const std::size_t begin = out.size();
  out.resize(begin + record.Bytes());
  PutRecord(record, out.data() + begin);
}

RecordView TrustedRecord(std::string_view bytes) {
  const std::size_t payload_bytes = Load<std::uint32_t>(bytes, 0);
  const std::size_t annotations_bytes = Load<std::uint16_t>(bytes, 10);
  AZMON_DCHECK(kRecordHeaderBytes + payload_bytes <= bytes.size() && annotations_bytes <= payload_bytes);
  return RecordView{.signal = static_cast<Signal>(bytes[8]),
                    .flags = static_cast<std::uint8_t>(bytes[9]),
                    .owner = Load<std::uint32_t>(bytes, 12),
                    .annotations = bytes.substr(kRecordHeaderBytes, annotations_bytes),
                    .message = bytes.substr(kRecordHeaderBytes + annotations_bytes, payload_bytes - annotations_bytes)};
}

Result<RecordView> ReadRecord(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes) return Malformed("record header is cut off");
  const std::size_t payload_bytes = Load<std::uint32_t>(bytes, 0);
  const std::size_t annotations_bytes = Load<std::uint16_t>(bytes, 10);
  if (payload_bytes > limits::kRecordBytesMax - kRecordHeaderBytes) return Malformed("record length is over the limit");
  if (payload_bytes > bytes.size() - kRecordHeaderBytes) return Malformed("record is cut off");
  if (annotations_bytes > payload_bytes) return Malformed("annotations are longer than the record");
  const std::string_view record = bytes.substr(0, kRecordHeaderBytes + payload_bytes);
  if (Crc32c(record.substr(8)) != Load<std::uint32_t>(bytes, 4)) return Malformed("record checksum is wrong");
  const auto signal = static_cast<std::uint8_t>(record[8]);
  if (signal < static_cast<std::uint8_t>(Signal::kSpan) || signal > static_cast<std::uint8_t>(Signal::kResource)) {
    return Malformed("record signal is unknown");
  }
  return RecordView{.signal = static_cast<Signal>(signal),
                    .flags = static_cast<std::uint8_t>(record[9]),
                    .owner = Load<std::uint32_t>(record, 12),
                    .annotations = record.substr(kRecordHeaderBytes, annotations_bytes),
                    .message = record.substr(kRecordHeaderBytes + annotations_bytes)};
}

}  // namespace azmon::otlp
