# SPDX-License-Identifier: Apache-2.0
# Run when a package's files are put together: the changelog that Debian wants, of one entry.
set(git git -c safe.directory=* -C ${SOURCE})
execute_process(COMMAND ${git} log -1 --format=%aD OUTPUT_VARIABLE date ERROR_QUIET
                OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${git} log -1 --format=%H OUTPUT_VARIABLE commit ERROR_QUIET
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT date)
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  set(commit "a source without history")
endif()
set(version $ENV{PROXTOP_PACKAGE_VERSION})
if(NOT version)
  set(version 0)
endif()
set(folder "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/doc/${PACKAGE}")
file(MAKE_DIRECTORY ${folder})
file(WRITE ${folder}/changelog "${PACKAGE} (${version}) unstable; urgency=medium

  * Built from ${commit}.

 -- ${MAINTAINER}  ${date}
")
execute_process(COMMAND gzip -9nf ${folder}/changelog RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "gzip of ${folder}/changelog: ${failed}")
endif()
file(CHMOD ${folder}/changelog.gz PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
