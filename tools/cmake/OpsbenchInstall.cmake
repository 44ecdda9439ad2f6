# What `cmake --install` leaves beside the libraries and headers, so that
# find_package(opsbench) gives opsbench::sidetable and so on.

include(CMakePackageConfigHelpers)

set(_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/opsbench")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/opsbenchConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/opsbenchConfig.cmake"
  INSTALL_DESTINATION "${_package_folder}"
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/opsbenchConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/opsbenchConfig.cmake"
  "${PROJECT_BINARY_DIR}/opsbenchConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/OpsbenchDependencies.cmake"
  DESTINATION "${_package_folder}")
install(EXPORT opsbenchTargets NAMESPACE opsbench::
  DESTINATION "${_package_folder}")
