# SPDX-License-Identifier: Apache-2.0
# The packages' version, found out when they are made: a tag vX.Y on this commit is X.Y; else it is
# the last tag, or the project's version, with the number of commits since and the commit, so that a
# later build is a newer version.  cpack -D CPACK_PROXTOP_VERSION=X.Y is X.Y.
set(version ${CPACK_PROXTOP_VERSION})
if(NOT version)
  set(git git -c safe.directory=* -C ${CPACK_PROXTOP_SOURCE})
  set(version ${CPACK_PACKAGE_VERSION})
  execute_process(COMMAND ${git} describe --tags --long --match v[0-9]* OUTPUT_VARIABLE tag
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${git} rev-list --count HEAD OUTPUT_VARIABLE count
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${git} rev-parse --short=7 HEAD OUTPUT_VARIABLE commit
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(tag MATCHES "^v([0-9][0-9A-Za-z.~]*)-([0-9]+)-g([0-9a-f]+)$")
    set(version ${CMAKE_MATCH_1})
    if(CMAKE_MATCH_2 GREATER 0)
      string(APPEND version "+git${CMAKE_MATCH_2}.${CMAKE_MATCH_3}")
    endif()
  elseif(count AND commit)
    string(APPEND version "+git${count}.${commit}")
  endif()
endif()
set(CPACK_PACKAGE_VERSION ${version})
set(CPACK_DEBIAN_PACKAGE_VERSION ${version})
set(ENV{PROXTOP_PACKAGE_VERSION} ${version}) # for changelog.cmake
