# Headers of other projects. None is copied into this repository (docs/decisions/0020).
set(LP_HINTS "")
if(LP_DEPENDENCIES_DIR)
  set(LP_HINTS ${LP_DEPENDENCIES_DIR}/include ${LP_DEPENDENCIES_DIR}/usr/include)
endif()

function(lp_find_header variable header)
  # Cross builds look beside their own root too: these are headers without a platform.
  find_path(${variable} ${header} HINTS ${LP_HINTS} PATH_SUFFIXES ${ARGN}
    NO_CMAKE_FIND_ROOT_PATH)
  if(NOT ${variable})
    message(FATAL_ERROR
      "${header} was not found. Run flutter_bridge/tools/get_dependencies.sh DIR and pass "
      "-DLP_DEPENDENCIES_DIR=DIR, or give its folder as -D${variable}=FOLDER.")
  endif()
endfunction()

lp_find_header(LP_JSON_INCLUDE nlohmann/json.hpp)
lp_find_header(LP_STB_INCLUDE stb_image.h stb)
lp_find_header(LP_ONNXRUNTIME_INCLUDE onnxruntime_cxx_api.h onnxruntime onnxruntime/core/session)
if(LP_BUILD_TESTS)
  lp_find_header(LP_DOCTEST_INCLUDE doctest/doctest.h)
endif()
