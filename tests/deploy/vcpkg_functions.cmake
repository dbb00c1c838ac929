# SPDX-License-Identifier: MIT
# The functions of vcpkg that our port calls, so that the port's own lines run without vcpkg. cmake -DPORT=… -DWORK=… -P this
set(CURRENT_PORT_DIR "${PORT}")
set(CURRENT_PACKAGES_DIR "${WORK}/packages")

function(vcpkg_cmake_configure)
  cmake_parse_arguments(arg "" "SOURCE_PATH" "OPTIONS" ${ARGN})
  # At the end of the project each package that was found is told, for the port's list of dependencies.
  file(WRITE "${WORK}/told.cmake" [[
function(tell_packages)
  get_property(found GLOBAL PROPERTY PACKAGES_FOUND)
  foreach(name IN LISTS found)
    message(STATUS "found: ${name}")
  endforeach()
  if(ISAL_FOUND)
    message(STATUS "found: isal")
  endif()
  if(PROTOZERO_INCLUDE_DIR)
    message(STATUS "found: protozero")
  endif()
endfunction()
cmake_language(DEFER CALL tell_packages)
]])
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${WORK}/build" -G Ninja "-DCMAKE_PROJECT_INCLUDE=${WORK}/told.cmake"
    "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" ${arg_OPTIONS}
    RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  message(STATUS "${output}")
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "the port does not configure")
  endif()
  message(STATUS "port: configured")
endfunction()

# Compiling is not repeated here: the rules for installing are looked at, without the files that a build would have made.
function(vcpkg_cmake_install)
  if(NOT EXISTS "${WORK}/build/cmake_install.cmake")
    message(FATAL_ERROR "nothing to install")
  endif()
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(arg "" "CONFIG_PATH" "" ${ARGN})
  file(READ "${WORK}/build/cmake_install.cmake" rules)
  if(NOT rules MATCHES "${arg_CONFIG_PATH}\" TYPE FILE")
    message(FATAL_ERROR "the CMake package is not installed to ${arg_CONFIG_PATH}")
  endif()
endfunction()

function(vcpkg_fixup_pkgconfig)
  file(READ "${WORK}/build/cmake_install.cmake" rules)
  if(NOT rules MATCHES "lib/pkgconfig\" TYPE FILE")
    message(FATAL_ERROR "azmon.pc is not installed to lib/pkgconfig")
  endif()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(arg "" "" "FILE_LIST" ${ARGN})
  file(INSTALL ${arg_FILE_LIST} DESTINATION "${CURRENT_PACKAGES_DIR}/share/azmon")
endfunction()

include("${PORT}/portfile.cmake")
foreach(file LICENSE usage)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/azmon/${file}")
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()
