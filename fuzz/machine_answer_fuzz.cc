// SPDX-License-Identifier: MIT
// What the address of the metadata service answers is outside bytes: on a machine that is not Azure's anybody may sit there.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "resource/virtual_machine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace azmon;
  const auto machine = resource::ReadMachineAnswer({.status = 200, .body = std::string(reinterpret_cast<const char*>(data), size)});
  if (!machine) return 0;
  AZMON_CHECK(machine->contains("host.id") && machine->at("cloud.platform") == "azure.vm");
  for (const auto& [key, value] : *machine) {
    AZMON_CHECK(!value.empty() && value.size() <= limits::kMachineValueBytesMax && base::IsUtf8(value));
    AZMON_CHECK(std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }));
  }
  return 0;
}
