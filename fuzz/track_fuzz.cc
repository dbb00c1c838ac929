// SPDX-License-Identifier: MIT
// The body of a track request, strict and loose: no crash, and what is told about it is true.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json_writer.h"
#include "local/ingest/track.h"
#include "local/query/item_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using azmon::local::Strictness;
  const std::string body(reinterpret_cast<const char*>(data), size);
  std::size_t accepted_strictly = 0;
  for (const Strictness strictness : {Strictness::kStrict, Strictness::kLoose}) {
    const auto result = azmon::local::ParseTrack(body, strictness);
    if (!result.ok()) return 0;
    AZMON_CHECK(result->accepted() == result->batch.items.size());
    AZMON_CHECK(result->received == result->accepted() + result->rejected);
    AZMON_CHECK(result->rejected == 0 || !result->errors.empty());
    AZMON_CHECK(!azmon::local::TrackAnswer(*result).empty());
    if (strictness == Strictness::kStrict) accepted_strictly = result->accepted();
    else AZMON_CHECK(result->accepted() >= accepted_strictly);
    for (const auto& item : result->batch.items) {
      AZMON_CHECK(std::size_t{item.raw.item.at} + item.raw.item.bytes <= result->batch.body.size());
      std::string text;
      azmon::base::JsonWriter json(text);
      azmon::local::WriteItem(item, json);
    }
  }
  return 0;
}
