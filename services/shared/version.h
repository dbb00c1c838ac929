// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace services {

/// The project's version; the build defines it.
inline constexpr std::string_view kVersion = SERVICES_VERSION;

}  // namespace services
