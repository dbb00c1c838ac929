// SPDX-License-Identifier: MIT
// Items and lists as the JSON of the API.
#pragma once

#include <string>

#include "base/json_writer.h"
#include "local/model/item.h"

namespace azmon::local {

/// Writes one item by the shape of the contract: absent values are left out, but for `success` of spans (null) and the ids (null), so that
/// a reader can tell "unknown" from "has none by its type".
void WriteItem(const Item& item, base::JsonWriter& json);

}  // namespace azmon::local
