// SPDX-License-Identifier: MIT
// UTF-8: validity, and cutting without splitting a code point.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace azmon::base {

/// U+FFFD, what stands for bytes that are no character.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// Bytes of the valid UTF-8 sequence at the head of `text` (1 to 4); 0 if there is none (empty, truncated, overlong, surrogate,
/// above U+10FFFF). Source: RFC 3629 section 4.
std::size_t Utf8SequenceLength(std::string_view text);

/// True if all of `text` is valid UTF-8; "" is.
bool IsUtf8(std::string_view text);

/// `text` where it is valid UTF-8, else its repair (AppendValidUtf8), which is put into `storage`. Valid text costs a look at it, eight bytes
/// at a time where it is ASCII, and no allocation. Protobuf takes no other text: a receiver refuses the whole request for one such string.
std::string_view ValidUtf8(std::string_view text, std::string& storage);

/// Appends `text` with each byte that is part of no valid sequence replaced by U+FFFD, so at most three times as long.
void AppendValidUtf8(std::string_view text, std::string& out);

/// The longest head of `text` that is at most `bytes_max` bytes and does not end inside a code point. Bytes that are no valid UTF-8
/// count as a code point each.
std::string_view CutUtf8Bytes(std::string_view text, std::size_t bytes_max);

/// The longest head of `text` that is at most `units_max` UTF-16 code units; a code point above U+FFFF counts two and is never halved.
/// Bytes that are no valid UTF-8 count as one unit each.
std::string_view CutUtf16Units(std::string_view text, std::size_t units_max);

}  // namespace azmon::base
