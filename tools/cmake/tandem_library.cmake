# tandem_library(NAME SOURCES ... LINK ... [TORCH]): a static library tandem_NAME, alias tandem::NAME.
# TORCH links torch::cpu and uses the shared precompiled <ATen/ATen.h>; without TANDEM_TORCH there is no such target.
add_library(tandem_warnings INTERFACE)
target_compile_options(tandem_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  # GCC 12 sees overlapping copies in std::string's operator+ (GCC bug 105651).
  -Wno-restrict)

function(tandem_target TARGET)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  target_include_directories(${TARGET} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${TARGET} PUBLIC ${ARG_LINK} PRIVATE tandem_warnings)
  if(ARG_TORCH)
    target_link_libraries(${TARGET} PUBLIC torch::cpu)
    tandem_reuse_torch_header(${TARGET})
  endif()
endfunction()

function(tandem_library NAME)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  if(ARG_TORCH AND NOT TANDEM_TORCH)
    return()
  endif()
  add_library(tandem_${NAME} STATIC ${ARG_SOURCES})
  add_library(tandem::${NAME} ALIAS tandem_${NAME})
  if(ARG_TORCH)
    tandem_target(tandem_${NAME} TORCH LINK ${ARG_LINK})
  else()
    tandem_target(tandem_${NAME} LINK ${ARG_LINK})
  endif()
endfunction()

function(tandem_executable NAME)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  if(ARG_TORCH AND NOT TANDEM_TORCH)
    return()
  endif()
  add_executable(${NAME} ${ARG_SOURCES})
  if(ARG_TORCH)
    tandem_target(${NAME} TORCH LINK ${ARG_LINK})
  else()
    tandem_target(${NAME} LINK ${ARG_LINK})
  endif()
endfunction()
