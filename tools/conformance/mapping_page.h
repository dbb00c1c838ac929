// SPDX-License-Identifier: MIT
// docs/reference/mapping.md, printed from the tables that the mapping works by.
#pragma once

#include <string>

namespace azmon::conformance {

std::string MappingPage();

}  // namespace azmon::conformance
