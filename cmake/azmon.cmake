# SPDX-License-Identifier: MIT
# How the parts of this project are built: azmon_library() and azmon_program().
include(GoogleTest)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(AZMON_CHECKS "Abort on a broken AZMON_DCHECK instead of counting an internal error" OFF)
option(AZMON_WERROR "Warnings are errors; off where somebody else's compiler builds" ON)
option(AZMON_FUZZERS "Build the fuzz targets with libFuzzer (clang)" OFF)

# What every target of ours is compiled with.
add_library(azmon_flags INTERFACE)
target_compile_options(azmon_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers $<$<BOOL:${AZMON_WERROR}>:-Werror>
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=" "-ffile-prefix-map=${PROJECT_BINARY_DIR}/=build/")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang 14 cannot put its function check in front of coroutines (error: "Cannot represent a difference across sections").
  target_compile_options(azmon_flags INTERFACE -Wthread-safety -fno-sanitize=function)
else()
  # g++ 12 reports these in standard library code that it has inlined (GCC bugs 105329, 105651).
  target_compile_options(azmon_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized)
endif()
target_compile_definitions(azmon_flags INTERFACE $<$<BOOL:${AZMON_CHECKS}>:AZMON_CHECKS=1>)
target_include_directories(azmon_flags INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/azmon/include" "${PROJECT_SOURCE_DIR}/azmon/src")

find_program(AZMON_LINKER NAMES mold ld.lld)
if(AZMON_LINKER MATCHES "mold")
  # g++ 12.1 and clang know -fuse-ld=mold.
  add_link_options(-fuse-ld=mold)
elseif(AZMON_LINKER)
  add_link_options(-fuse-ld=lld)
endif()

# One test program a module; each TEST is a test of ctest with the given label (default: unit).
function(azmon_test target)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS;DEFINITIONS" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE azmon_flags ${arg_DEPENDS} GTest::gmock GTest::gtest_main nlohmann_json::nlohmann_json)
  target_compile_definitions(${target} PRIVATE ${arg_DEFINITIONS} "AZMON_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  gtest_discover_tests(${target} TEST_PREFIX "${target}/" DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp")
endfunction()

# azmon_installed(azmon_http http): others get this target as azmon::http (cmake/install.cmake).
function(azmon_installed target name)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY AZMON_INSTALLED ${target})
endfunction()

# azmon_library(NAME journal [PUBLIC] [NAMESPACE azmon] HEADERS … SOURCES … DEPENDS … TESTS … TEST_DEPENDS …)
# A static library azmon_journal with the alias azmon::journal, and its unit tests azmon_journal_test. PUBLIC: it is installed under that
# name, for users of the library; what it depends on must be installed too or be a package of others.
function(azmon_library)
  cmake_parse_arguments(arg "PUBLIC" "NAME;NAMESPACE" "HEADERS;SOURCES;DEPENDS;TESTS;TEST_DEPENDS" ${ARGN})
  if(NOT arg_NAMESPACE)
    set(arg_NAMESPACE azmon)
  endif()
  set(target "${arg_NAMESPACE}_${arg_NAME}")
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_HEADERS} ${arg_SOURCES})
    target_link_libraries(${target} PUBLIC $<BUILD_INTERFACE:azmon_flags> ${arg_DEPENDS})
    target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:include>)
  else()
    add_library(${target} INTERFACE ${arg_HEADERS})
    target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:azmon_flags> ${arg_DEPENDS})
  endif()
  add_library(${arg_NAMESPACE}::${arg_NAME} ALIAS ${target})
  if(arg_PUBLIC)
    azmon_installed(${target} ${arg_NAME})
  endif()
  if(arg_TESTS)
    azmon_test(${target}_test SOURCES ${arg_TESTS} DEPENDS ${target} ${arg_TEST_DEPENDS})
  endif()
endfunction()

# What ./dev demo builds: the programs without the tests.
add_custom_target(azmon_programs)

# azmon_program(NAME receipt SOURCES … DEPENDS …): a program in bin/.
function(azmon_program)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE azmon_flags ${arg_DEPENDS})
  add_dependencies(azmon_programs ${arg_NAME})
endfunction()

# azmon_fuzzer(NAME record SOURCES record_fuzz.cc DEPENDS …)
# With libFuzzer in the fuzz preset; in every build also a program that replays fuzz/corpus/NAME as an ordinary test.
function(azmon_fuzzer)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;DEPENDS" ${ARGN})
  if(AZMON_FUZZERS)
    add_executable(fuzz_${arg_NAME} ${arg_SOURCES})
    target_link_libraries(fuzz_${arg_NAME} PRIVATE azmon_flags ${arg_DEPENDS})
    target_link_options(fuzz_${arg_NAME} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
  elseif(BUILD_TESTING)
    add_executable(fuzz_${arg_NAME}_replay ${arg_SOURCES} "${PROJECT_SOURCE_DIR}/fuzz/replay_main.cc")
    target_link_libraries(fuzz_${arg_NAME}_replay PRIVATE azmon_flags ${arg_DEPENDS})
    set_target_properties(fuzz_${arg_NAME}_replay PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    add_test(NAME "fuzz/${arg_NAME}" COMMAND fuzz_${arg_NAME}_replay "${PROJECT_SOURCE_DIR}/fuzz/corpus/${arg_NAME}")
    set_tests_properties("fuzz/${arg_NAME}" PROPERTIES LABELS unit TIMEOUT 60)
  endif()
endfunction()
