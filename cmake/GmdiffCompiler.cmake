# Compiler settings of every target of this project.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

# The numeric contract (docs/numerics.md §3): no contraction to FMA, no errno from math functions.
set(gmdiff_numeric_flags -ffp-contract=off -fno-math-errno)
set(gmdiff_warning_flags -Wall -Wextra -Wpedantic -Wconversion)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # GCC's -Wconversion does not include these for C++.
  list(APPEND gmdiff_warning_flags -Wno-sign-conversion)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 wrongly reports overlapping copies in `"text" + std::string` (GCC bug 105651).
  list(APPEND gmdiff_warning_flags -Wno-restrict)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC takes a unit that is compiled with others for a header, where a type of an unnamed namespace would be a mistake.
  list(APPEND gmdiff_warning_flags -Wno-subobject-linkage)
endif()
if(GMDIFF_WERROR)
  list(APPEND gmdiff_warning_flags -Werror)
endif()

if(GMDIFF_BUILD_FUZZERS AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "GMDIFF_BUILD_FUZZERS needs libFuzzer, which comes with clang; the compiler is ${CMAKE_CXX_COMPILER_ID}. "
    "Configure with -DCMAKE_CXX_COMPILER=clang++.")
endif()
set(gmdiff_sanitizers "")
if(GMDIFF_SANITIZE OR GMDIFF_BUILD_FUZZERS)
  # Checks that cost build time and that the address sanitizer covers are left out.
  list(APPEND gmdiff_sanitizers -fsanitize=address,undefined -fno-sanitize=vptr,null,object-size)
endif()
set(gmdiff_coverage "")
if(GMDIFF_BUILD_FUZZERS)
  # The coverage that steers the fuzzers: compiled into the library, linked everywhere; the fuzz targets alone have the fuzzer's main().
  set(gmdiff_coverage -fsanitize=fuzzer-no-link)
endif()

function(gmdiff_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE ${gmdiff_numeric_flags} ${gmdiff_warning_flags})
  if(gmdiff_sanitizers)
    target_compile_options(${target} PRIVATE ${gmdiff_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE ${gmdiff_sanitizers} ${gmdiff_coverage})
  endif()
endfunction()

# The numeric contract (docs/numerics.md §3) in units of nvcc, on the device and in its host pass. Never use
# -dlto, which would optimise across units again. Functions that are constexpr are the same on host and
# device. With FAST the device's part is exempt.
function(gmdiff_cuda_compile_options target)
  if("FAST" IN_LIST ARGN)
    set(arithmetic --fmad=true --ftz=true --prec-div=false --prec-sqrt=false)
  else()
    set(arithmetic --fmad=false --ftz=false --prec-div=true --prec-sqrt=true)
  endif()
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CUDA_SEPARABLE_COMPILATION OFF)
  # CMake 3.25 does not know that nvcc supports C++20; no other choice of a standard may precede this one.
  set_property(TARGET ${target} PROPERTY CUDA_STANDARD)
  list(JOIN gmdiff_numeric_flags "," numeric_flags)
  target_compile_options(${target} PRIVATE -std=c++20 ${arithmetic} --expt-relaxed-constexpr
    -Xcompiler=${numeric_flags},-Wall,-Wextra)
  if(GMDIFF_WERROR)
    target_compile_options(${target} PRIVATE --Werror=all-warnings -Xcompiler=-Werror)
  endif()
endfunction()

# Files that benchmarks/gpu_check.sh copies to a machine with a GPU: in one folder, and linked only with
# libraries that they use.
function(gmdiff_add_to_gpu_check target)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/gpu_check)
  target_link_options(${target} PRIVATE -Wl,--as-needed)
endfunction()
