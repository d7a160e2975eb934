# Compiler settings of every target of this project.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release)
endif()

# The numeric contract (docs/numerics.md §3): no contraction to FMA, no errno from math functions.
set(gmdiff_numeric_flags -ffp-contract=off -fno-math-errno)
set(gmdiff_warning_flags -Wall -Wextra -Wpedantic -Wconversion)
if(GMDIFF_WERROR)
  list(APPEND gmdiff_warning_flags -Werror)
endif()

function(gmdiff_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE ${gmdiff_numeric_flags} ${gmdiff_warning_flags})
  if(GMDIFF_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
endfunction()
