# Installation: library, headers, command, CMake package and pkg-config file.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gmdiff)

install(TARGETS gmdiff EXPORT gmdiffTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gmdiff DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET gmdiff_cli)
  file(RELATIVE_PATH libraries_from_commands ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(gmdiff_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries_from_commands}")
  install(TARGETS gmdiff_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# The CMake package. Users of a static library must also find the libraries that it is linked with.
install(EXPORT gmdiffTargets NAMESPACE gmdiff:: DESTINATION ${package_dir})
set(GMDIFF_NEEDS_C_LIBRARIES OFF)
set(GMDIFF_NEEDS_CUDA OFF)
get_target_property(library_type gmdiff TYPE)
if(library_type STREQUAL "STATIC_LIBRARY")
  set(GMDIFF_NEEDS_C_LIBRARIES ON)
  set(GMDIFF_NEEDS_CUDA ${GMDIFF_HAS_CUDA})
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gmdiffConfig.cmake.in ${PROJECT_BINARY_DIR}/gmdiffConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gmdiffConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gmdiffConfig.cmake ${PROJECT_BINARY_DIR}/gmdiffConfigVersion.cmake DESTINATION ${package_dir})

# The pkg-config file. A static library needs its private dependencies in every link, so they are listed among
# the public ones: `pkg-config --libs gmdiff` is enough for either kind (`--static` would ask for static
# libraries of all of them).
set(pc_requires "eigen3 >= 3.4")
set(pc_requires_private "")
set(pc_libs_static "")
if(library_type STREQUAL "STATIC_LIBRARY")
  string(APPEND pc_requires ", zlib, liblbfgs")
  if(GMDIFF_HAS_CUDA)
    set(pc_libs_static " -L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -ldl -lrt")
  endif()
else()
  set(pc_requires_private "zlib, liblbfgs")
endif()
# Paths relative to the file itself, so that the installed tree can be moved.
file(RELATIVE_PATH pc_prefix_from_file ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(kind INCLUDEDIR LIBDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
    set(pc_${kind} "${CMAKE_INSTALL_${kind}}")
  else()
    set(pc_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
  endif()
endforeach()
configure_file(${PROJECT_SOURCE_DIR}/cmake/gmdiff.pc.in ${PROJECT_BINARY_DIR}/gmdiff.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gmdiff.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
