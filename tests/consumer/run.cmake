# Builds and runs a consumer of gmdiff as a user would.
#   cmake -D KIND=installed|pkg-config|subdirectory -D GMDIFF_BUILD=... -D SCRATCH=... -D LIBDIR=... -D COMPILER=... -D VERSION=... -P run.cmake

function(run)
  list(JOIN ARGV " " line)
  message(STATUS "${line}")
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(run_consumer command)
  execute_process(COMMAND ${command} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  if(NOT output STREQUAL "gmdiff ${VERSION}: 100 samples in dimension 1\n")
    message(FATAL_ERROR "the consumer printed: ${output}")
  endif()
endfunction()

set(build ${SCRATCH}/${KIND})
set(prefix ${SCRATCH}/${KIND}-prefix)
set(configure ${CMAKE_COMMAND} -G Ninja -B ${build} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})

if(KIND STREQUAL "subdirectory")
  # The unit is compiled but not linked, which would build the library once more: the other kinds link and run it,
  # and the build with sanitizers makes it a shared library.
  run(${configure} -S ${CMAKE_CURRENT_LIST_DIR}/subdirectory -DGMDIFF_CUDA=OFF)
  run(${CMAKE_COMMAND} --build ${build} --target consumer_unit)
  return()
endif()

# The installed tree is moved after the installation, because nothing in it may depend on its place.
file(REMOVE_RECURSE ${build} ${prefix} ${prefix}-first)
run(${CMAKE_COMMAND} --install ${GMDIFF_BUILD} --prefix ${prefix}-first)
file(RENAME ${prefix}-first ${prefix})
file(MAKE_DIRECTORY ${build})
if(KIND STREQUAL "installed")
  run(${configure} -S ${CMAKE_CURRENT_LIST_DIR}/installed -DCMAKE_PREFIX_PATH=${prefix})
  run(${CMAKE_COMMAND} --build ${build})
else()
  set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
  execute_process(COMMAND pkg-config --cflags --libs gmdiff OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run(${COMPILER} -std=c++20 ${CMAKE_CURRENT_LIST_DIR}/main.cpp -o ${build}/consumer ${flags} -Wl,-rpath,${prefix}/${LIBDIR})
endif()
run_consumer(${build}/consumer)
foreach(file share/doc/gmdiff/LICENSE include/gmdiff/gmdiff.hpp)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()
