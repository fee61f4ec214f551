# LibTorch from the PyPI wheel, as two imported targets. find_package(Torch) would pull every CUDA library into
# every program; the launcher and the coordinator must not load them.
set(TANDEM_TORCH_VERSION 2.11.0)
set(TANDEM_TORCH_DIR "${TANDEM_DEPS}/python/torch" CACHE PATH "The torch folder of the wheel")
if(NOT EXISTS "${TANDEM_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch is not at ${TANDEM_TORCH_DIR}: run tools/setup")
endif()
file(STRINGS "${TANDEM_TORCH_DIR}/version.py" TORCH_VERSION_LINE REGEX "^__version__")
if(NOT TORCH_VERSION_LINE MATCHES "'${TANDEM_TORCH_VERSION}")
  message(FATAL_ERROR "LibTorch ${TANDEM_TORCH_VERSION} is needed; ${TANDEM_TORCH_DIR} says ${TORCH_VERSION_LINE}")
endif()

# The wheel's own dependencies lie beside it; the linker must find them too.
set(TORCH_NVIDIA_DIR "${TANDEM_TORCH_DIR}/../nvidia/cu13/lib")
add_library(torch::cpu INTERFACE IMPORTED)
target_include_directories(torch::cpu SYSTEM INTERFACE
  "${TANDEM_TORCH_DIR}/include" "${TANDEM_TORCH_DIR}/include/torch/csrc/api/include")
target_link_libraries(torch::cpu INTERFACE
  -Wl,--push-state,--no-as-needed "${TANDEM_TORCH_DIR}/lib/libtorch_cpu.so" "${TANDEM_TORCH_DIR}/lib/libc10.so"
  -Wl,--pop-state -Wl,-rpath-link,${TORCH_NVIDIA_DIR})
list(APPEND CMAKE_BUILD_RPATH "${TANDEM_TORCH_DIR}/lib")
# Installed programs use the same LibTorch, where it lies.
list(APPEND CMAKE_INSTALL_RPATH "${TANDEM_TORCH_DIR}/lib")

# One precompiled <ATen/ATen.h> for all of Tandem: 19 s once, then 1.5 s instead of 7 s a file.
file(WRITE "${CMAKE_BINARY_DIR}/torch_header.cpp.in" "// Carries the precompiled header.\n")
configure_file("${CMAKE_BINARY_DIR}/torch_header.cpp.in" "${CMAKE_BINARY_DIR}/torch_header.cpp" COPYONLY)
add_library(tandem_torch_header STATIC "${CMAKE_BINARY_DIR}/torch_header.cpp")
# With the same warnings as its users: -Wpedantic changes which macros are predefined, and GCC refuses a header that
# was compiled with others.
target_link_libraries(tandem_torch_header PUBLIC torch::cpu Threads::Threads PRIVATE tandem_warnings)
target_precompile_headers(tandem_torch_header PRIVATE <ATen/ATen.h>)

function(tandem_reuse_torch_header TARGET)
  # CMake compiles executables with -fPIE, the libraries and the header with -fPIC: one header serves both this way.
  set_target_properties(${TARGET} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${TARGET} PRIVATE -fPIC)
  target_precompile_headers(${TARGET} REUSE_FROM tandem_torch_header)
endfunction()
