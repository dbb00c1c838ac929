// SPDX-License-Identifier: MIT
// Every variable that the services read, in one table: what --help prints and docs/running.md lists comes from here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace services {

/// Programs, as bits.
inline constexpr unsigned kCheckout = 1;
inline constexpr unsigned kOrderProcessor = 2;
inline constexpr unsigned kReceipt = 4;
inline constexpr unsigned kEveryService = kCheckout | kOrderProcessor | kReceipt;

struct Setting {
  std::string_view name;
  unsigned programs;
  std::string_view otherwise;  ///< the default as a person writes it; empty: none
  std::string_view meaning;    ///< one sentence without its full stop
  bool is_secret = false;      ///< never shown, logged or recorded
  bool is_librarys = false;    ///< read by azmon for the service
};

std::span<const Setting> SettingTable();

/// The bit of a program's name; 0 for others.
unsigned ProgramBit(std::string_view program);

/// The lines of --help about a program's variables.
std::string SettingHelp(unsigned program);

/// The table of docs/running.md, in Markdown.
std::string SettingMarkdown();

}  // namespace services
