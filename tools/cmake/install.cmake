# cmake --install: the programs with what they look for beside them, and two targets for other CMake projects,
# tandem::plugin (headers) and tandem::client (a static library). find_package(tandem) finds both.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(TARGETS tandem RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
if(TANDEM_TORCH)
  install(TARGETS tandem-coordinator tandem-worker
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
endif()

install(TARGETS tandem_plugin EXPORT tandem-plugin COMPONENT plugin)
install(DIRECTORY "${CMAKE_SOURCE_DIR}/plugin/tandem"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT plugin FILES_MATCHING PATTERN "*.hpp")

# The client's headers name each other from the root of the tree: that root is include/tandem-client.
set(CLIENT_TARGETS tandem_protocol tandem_ipc tandem_image tandem_client)
set(CLIENT_INCLUDES "${CMAKE_INSTALL_INCLUDEDIR}/tandem-client")
foreach(TARGET IN LISTS CLIENT_TARGETS)
  target_include_directories(${TARGET} PUBLIC "$<INSTALL_INTERFACE:${CLIENT_INCLUDES}>")
  target_compile_features(${TARGET} PUBLIC cxx_std_20)
endforeach()
install(TARGETS ${CLIENT_TARGETS} EXPORT tandem-client
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT client)
foreach(FOLDER IN ITEMS protocol ipc tools/client tools/image)
  get_filename_component(PARENT "${FOLDER}" DIRECTORY)
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/${FOLDER}"
    DESTINATION "${CLIENT_INCLUDES}/${PARENT}" COMPONENT client FILES_MATCHING PATTERN "*.hpp")
endforeach()

set(PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/tandem")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/tandem-config.cmake.in"
  "${CMAKE_BINARY_DIR}/tandem-config.cmake" INSTALL_DESTINATION "${PACKAGE_DIR}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/tandem-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/tandem-config.cmake" "${CMAKE_BINARY_DIR}/tandem-config-version.cmake"
  DESTINATION "${PACKAGE_DIR}" COMPONENT plugin)
foreach(NAME IN ITEMS plugin client)
  install(EXPORT tandem-${NAME} NAMESPACE tandem:: DESTINATION "${PACKAGE_DIR}" COMPONENT ${NAME})
endforeach()
