# LibTorch's CUDA half, for the one module that uses it. Its headers and libraries come with the wheels that tools/setup
# brings anyway; the NVIDIA libraries behind it (tools/setup --cuda) are needed to run it, not to link it.
set(TANDEM_CUDA AUTO CACHE STRING "Build the module for GPU workers: AUTO (where its headers are found), ON or OFF")
set(TANDEM_HAS_CUDA OFF)
if(TANDEM_CUDA STREQUAL "OFF")
  return()
endif()
find_path(CUDA_RUNTIME_INCLUDE_DIR cuda_runtime_api.h
  HINTS "${TANDEM_TORCH_DIR}/../nvidia/cu13/include" /usr/local/cuda/include)
find_file(CUDA_RUNTIME_LIBRARY NAMES libcudart.so.13 HINTS "${TORCH_NVIDIA_DIR}" /usr/local/cuda/lib64)
if(NOT CUDA_RUNTIME_INCLUDE_DIR OR NOT CUDA_RUNTIME_LIBRARY OR NOT EXISTS "${TANDEM_TORCH_DIR}/lib/libtorch_cuda.so")
  if(TANDEM_CUDA STREQUAL "ON")
    message(FATAL_ERROR "TANDEM_CUDA is ON, but CUDA's runtime or LibTorch's CUDA half was not found: run tools/setup")
  endif()
  message(STATUS "No CUDA runtime was found: GPU workers are left out")
  return()
endif()
set(TANDEM_HAS_CUDA ON)

# Kernels of our own, where there is a compiler for them; without one LibTorch's do the same.
set(TANDEM_CUDA_ARCHITECTURES "80-real;89-real;90-real;120" CACHE STRING "What kernels are compiled for")
find_program(TANDEM_NVCC nvcc HINTS /usr/local/cuda/bin)
set(TANDEM_HAS_CUDA_KERNELS OFF)
if(TANDEM_NVCC)
  set(CMAKE_CUDA_COMPILER "${TANDEM_NVCC}")
  set(CMAKE_CUDA_ARCHITECTURES "${TANDEM_CUDA_ARCHITECTURES}")
  enable_language(CUDA)
  set(TANDEM_HAS_CUDA_KERNELS ON)
else()
  message(STATUS "No nvcc was found: GPU workers use LibTorch's kernels alone")
endif()
add_library(cuda::runtime INTERFACE IMPORTED)
target_include_directories(cuda::runtime SYSTEM INTERFACE "${CUDA_RUNTIME_INCLUDE_DIR}")
target_link_libraries(cuda::runtime INTERFACE "${CUDA_RUNTIME_LIBRARY}")

add_library(torch::cuda INTERFACE IMPORTED)
target_include_directories(torch::cuda SYSTEM INTERFACE "${CUDA_RUNTIME_INCLUDE_DIR}")
target_link_libraries(torch::cuda INTERFACE torch::cpu
  -Wl,--push-state,--no-as-needed "${TANDEM_TORCH_DIR}/lib/libtorch_cuda.so" "${TANDEM_TORCH_DIR}/lib/libc10_cuda.so"
  "${CUDA_RUNTIME_LIBRARY}" -Wl,--pop-state -Wl,--allow-shlib-undefined)
