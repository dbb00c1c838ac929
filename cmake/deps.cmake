# SPDX-License-Identifier: MIT
# Every package that the build uses, found once, as system includes. What each is for: docs/decisions/0002-dependencies.md
find_package(Threads REQUIRED)
find_package(CURL 7.87 REQUIRED)
find_package(simdjson REQUIRED)
find_package(opentelemetry-cpp REQUIRED)  # its version file accepts only the exact version, so the range is checked here
if(OPENTELEMETRY_VERSION VERSION_LESS 1.19)
  message(FATAL_ERROR "opentelemetry-cpp ${OPENTELEMETRY_VERSION} is too old: 1.19 or newer is needed")
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
if(AZMON_PARTS STREQUAL library)
  find_package(Boost 1.81 QUIET)  # azmon::asio, headers only
else()
  find_package(Boost 1.81 REQUIRED)
  find_package(OpenSSL 3.0 REQUIRED)
  pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
endif()
if(AZMON_PARTS MATCHES "^(all|local)$")
  find_package(SQLite3 3.40 REQUIRED)
  pkg_check_modules(GRPCPP REQUIRED IMPORTED_TARGET grpc++)
endif()
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(nlohmann_json 3.11 REQUIRED)
endif()
find_package(benchmark QUIET)

# protozero is headers alone and brings no CMake package.
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp REQUIRED)
add_library(protozero INTERFACE)
target_include_directories(protozero SYSTEM INTERFACE "${PROTOZERO_INCLUDE_DIR}")
