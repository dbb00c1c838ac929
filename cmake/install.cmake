# SPDX-License-Identifier: MIT
# The library as others get it: `cmake --install`, find_package(azmon), pkg-config azmon, and .deb packages by `cpack -G DEB`.
#
# Three components: library (what a program needs to run), dev (headers and what a build needs), local (azmon-local). Headers are those of
# azmon/include alone. Targets come from azmon_installed().
include(CMakePackageConfigHelpers)
if(NOT CMAKE_INSTALL_LIBDIR AND CMAKE_LIBRARY_ARCHITECTURE AND EXISTS /etc/debian_version)
  # Under /usr/local as well: the loader and pkg-config of Debian look there.
  set(CMAKE_INSTALL_LIBDIR "lib/${CMAKE_LIBRARY_ARCHITECTURE}" CACHE PATH "where libraries go")
endif()
include(GNUInstallDirs)

get_property(installed GLOBAL PROPERTY AZMON_INSTALLED)
install(TARGETS ${installed} EXPORT azmon
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT dev
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
  PUBLIC_HEADER DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/azmon/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev FILES_MATCHING PATTERN "*.h")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/azmon")
install(EXPORT azmon NAMESPACE azmon:: FILE azmon-targets.cmake DESTINATION "${package_dir}" COMPONENT dev)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/azmon-config.cmake.in" "${PROJECT_BINARY_DIR}/package/azmon-config.cmake"
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
# No ABI promise in 0.x: only the same minor version will do.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/azmon-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/azmon-config.cmake" "${PROJECT_BINARY_DIR}/package/azmon-config-version.cmake"
  DESTINATION "${package_dir}" COMPONENT dev)

# Relative to where the .pc file lies, so that a moved installation keeps working.
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/azmon.pc.in" "${PROJECT_BINARY_DIR}/package/azmon.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/azmon.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)

if(TARGET azmon-local)
  install(TARGETS azmon-local RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT local)
endif()
foreach(component_package library:libazmon0 dev:libazmon-dev local:azmon-local)
  string(REPLACE ":" ";" pair "${component_package}")
  list(GET pair 0 component)
  list(GET pair 1 package)
  if(NOT component STREQUAL local OR TARGET azmon-local)
    install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}" RENAME copyright COMPONENT ${component})
  endif()
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME azmon)
set(CPACK_PACKAGE_CONTACT "azmon developers <azmon@example.com>")
set(CPACK_PACKAGE_VENDOR azmon)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Azure Monitor OpenTelemetry for C++")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL library dev local)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libazmon0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
# opentelemetry-cpp's shared libraries have no versioned name, so dpkg-shlibdeps does not see them.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "opentelemetry-cpp (>= 1.19)")
# Writes the shlibs file and the ldconfig trigger.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "The shared library: sends traces, logs and metrics to Application Insights and to any OTLP endpoint.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libazmon-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
# opentelemetry-cpp's CMake package asks for the four after it, though a program that uses azmon links none of gRPC and protobuf.
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
  "libazmon0 (= ${PROJECT_VERSION}-1), opentelemetry-cpp-dev (>= 1.19), libabsl-dev, libgrpc++-dev, libprotobuf-dev, protobuf-compiler-grpc")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libboost-dev (>= 1.81)")
set(CPACK_COMPONENT_DEV_DESCRIPTION "Headers, CMake package and pkg-config file.")
set(CPACK_DEBIAN_LOCAL_PACKAGE_NAME azmon-local)
set(CPACK_DEBIAN_LOCAL_PACKAGE_SECTION utils)
set(CPACK_COMPONENT_LOCAL_DESCRIPTION "A local Azure Monitor: takes what Application Insights and OTLP SDKs send and shows transactions in the browser.")
include(CPack)
