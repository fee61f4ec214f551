# What Debian provides. A package that is missing is named with the command that brings it.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
      "${CCACHE_PROGRAM}")
  # Needed by ccache to hit on translation units that use a precompiled header.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
# mold from 2.0 on: 1.10.1, which is Debian 12's, loses the unwind tables of some functions that GCC split, and a
# thrown exception then ends in abort() (tests/fuzz/corpus/safetensors/hole.bin shows it).
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  execute_process(COMMAND "${MOLD_PROGRAM}" --version OUTPUT_VARIABLE MOLD_VERSION)
  if(MOLD_VERSION MATCHES "mold ([0-9.]+)" AND CMAKE_MATCH_1 VERSION_GREATER_EQUAL 2.0)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json system filesystem)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SPNG REQUIRED IMPORTED_TARGET spng)
find_path(CEREAL_INCLUDE_DIR cereal/cereal.hpp REQUIRED)

if(TANDEM_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TANDEM_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(TANDEM_SANITIZE)
  message(FATAL_ERROR "TANDEM_SANITIZE is 'address' or 'thread', not '${TANDEM_SANITIZE}'")
endif()
