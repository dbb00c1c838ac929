// SPDX-License-Identifier: MIT
#include "services/shared/ids.h"

#include <array>

#include "base/text.h"

namespace services {

IdMaker::IdMaker(const azmon::base::Clock& clock, azmon::base::Random random) : clock_(clock), random_(random) {}

std::string IdMaker::Make() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock_.WallNow().time_since_epoch()).count();
  std::uint64_t millisecond;
  std::uint32_t sequence;
  std::uint64_t tail;
  {
    const std::lock_guard lock(mutex_);
    if (static_cast<std::uint64_t>(now) > last_millisecond_) {
      last_millisecond_ = static_cast<std::uint64_t>(now);
      sequence_ = 0;
    } else if (++sequence_ > 0xFFF) {
      // More than 4,096 in one millisecond: borrow from the next.
      ++last_millisecond_;
      sequence_ = 0;
    }
    millisecond = last_millisecond_;
    sequence = sequence_;
    tail = random_();
  }
  std::array<unsigned char, 16> bytes;
  for (int i = 0; i < 6; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(millisecond >> (40 - 8 * i));
  bytes[6] = static_cast<unsigned char>(0x70 | (sequence >> 8));
  bytes[7] = static_cast<unsigned char>(sequence);
  for (int i = 0; i < 8; ++i) bytes[static_cast<std::size_t>(8 + i)] = static_cast<unsigned char>(tail >> (56 - 8 * i));
  bytes[8] = static_cast<unsigned char>(0x80 | (bytes[8] & 0x3F));
  std::string text = azmon::base::Hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, "-");
  return text;
}

IdMaker& ProcessIds() {
  static auto* const maker = new IdMaker;
  return *maker;
}

}  // namespace services
