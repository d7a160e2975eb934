# Look-up of dependencies; every one but CUDA is a Debian package (scripts/setup.sh installs them).

# A static gmdiff used by add_subdirectory passes its link requirements to targets of the parent folder, which
# must see them.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED DOC "Random123 headers (librandom123-dev)")
find_path(DLPACK_INCLUDE_DIR dlpack/dlpack.h REQUIRED DOC "DLPack header (libdlpack-dev)")
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBLBFGS REQUIRED IMPORTED_TARGET GLOBAL liblbfgs)

# A wheel carries libLBFGS, because machines that it is installed on need not have it; zlib is on every machine
# that manylinux describes. Debian compiles static archives as position-independent executables need it, which is
# enough for a module that exports none of their symbols (python/CMakeLists.txt).
if(GMDIFF_BUILD_PYTHON AND NOT BUILD_SHARED_LIBS)
  find_library(LBFGS_ARCHIVE liblbfgs.a DOC "Static libLBFGS, for wheels")
  if(LBFGS_ARCHIVE)
    set_property(TARGET PkgConfig::LIBLBFGS PROPERTY INTERFACE_LINK_LIBRARIES ${LBFGS_ARCHIVE})
  else()
    message(STATUS "gmdiff: no static libLBFGS; the Python package needs the shared one")
  endif()
endif()

if(GMDIFF_BUILD_CLI)
  find_package(CLI11 2.1 REQUIRED)
endif()
if(GMDIFF_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(GMDIFF_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

if(NOT GMDIFF_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "GMDIFF_CUDA is \"${GMDIFF_CUDA}\"; it must be AUTO, ON or OFF.")
endif()

# CUDA is used when the toolkit's libraries and a working compiler are available.
set(GMDIFF_HAS_CUDA OFF)
set(missing "no CUDA Toolkit of version 12 or later was found")
if(NOT GMDIFF_CUDA STREQUAL "OFF")
  find_package(CUDAToolkit 12 QUIET)
  if(CUDAToolkit_FOUND)
    set(missing "the CUDA compiler is missing or does not work with the C++ compiler")
    # Use the toolkit's kernel compiler, and the host compiler of the other code, unless the user names
    # others.
    if(NOT DEFINED ENV{CUDACXX} AND CUDAToolkit_NVCC_EXECUTABLE)
      set(ENV{CUDACXX} ${CUDAToolkit_NVCC_EXECUTABLE})
    endif()
    if(NOT DEFINED ENV{CUDAHOSTCXX} AND NOT CMAKE_CUDA_HOST_COMPILER)
      set(ENV{CUDAHOSTCXX} ${CMAKE_CXX_COMPILER})
    endif()
    # Machine code for compute capability 9.0, and PTX that drivers compile for later ones.
    if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
      set(CMAKE_CUDA_ARCHITECTURES 90 CACHE STRING "Compute capabilities that kernels are compiled for, as 75;80;86;89;90" FORCE)
    endif()
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
      enable_language(CUDA)
      # The runtime is linked by name, once (src/CMakeLists.txt).
      set(CMAKE_CUDA_RUNTIME_LIBRARY None)
      set(GMDIFF_HAS_CUDA ON)
    endif()
  endif()
  if(NOT GMDIFF_HAS_CUDA AND GMDIFF_CUDA STREQUAL "ON")
    message(FATAL_ERROR "GMDIFF_CUDA=ON, but ${missing}. Put nvcc on the PATH, set CUDAToolkit_ROOT or CMAKE_CUDA_COMPILER, "
      "or configure with GMDIFF_CUDA=AUTO or OFF.")
  endif()
endif()
if(GMDIFF_HAS_CUDA)
  message(STATUS "gmdiff: CUDA Toolkit ${CUDAToolkit_VERSION}, architectures ${CMAKE_CUDA_ARCHITECTURES} (GMDIFF_CUDA=${GMDIFF_CUDA})")
elseif(GMDIFF_CUDA STREQUAL "AUTO")
  message(STATUS "gmdiff: ${missing}, building without it (GMDIFF_CUDA=AUTO)")
else()
  message(STATUS "gmdiff: building without CUDA (GMDIFF_CUDA=OFF)")
endif()
