# SPDX-License-Identifier: Apache-2.0
# Man pages and completions (always), and three Debian packages by CPack: README.md here.
include(GNUInstallDirs)
set(PACKAGING ${CMAKE_CURRENT_LIST_DIR})
set(UNITS lib/systemd/system)
set(PACKAGE_MAINTAINER "proxtop maintainers <maintainers@proxtop.example>" CACHE STRING
    "Maintainer field of the Debian packages")

# reference(program component section): what the program says of its own options, made by running it.
function(reference program component section)
  set(man ${CMAKE_BINARY_DIR}/man/${program}.${section}.gz)
  set(completion ${CMAKE_BINARY_DIR}/completions/${program})
  set(made ${man} ${completion})
  set(make sh ${PACKAGING}/reference.sh $<TARGET_FILE:${program}>)
  add_custom_command(OUTPUT ${man} COMMAND ${make} man ${man} VERBATIM
                     DEPENDS ${program} ${PACKAGING}/reference.sh)
  add_custom_command(OUTPUT ${completion} COMMAND ${make} bash ${completion} VERBATIM
                     DEPENDS ${program} ${PACKAGING}/reference.sh)
  install(FILES ${man} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
  install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          COMPONENT ${component})
  if(NOT program STREQUAL proxprofiler) # the others are services too, with a file of variables
    set(conf ${CMAKE_BINARY_DIR}/man/${program}.conf.5.gz)
    add_custom_command(OUTPUT ${conf} COMMAND ${make} man-conf ${conf} VERBATIM
                       DEPENDS ${program} ${PACKAGING}/reference.sh)
    list(APPEND made ${conf})
    install(FILES ${conf} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT ${component})
  endif()
  add_custom_target(reference-${program} ALL DEPENDS ${made})
endfunction()

if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "no man pages and completions: these programs cannot be run here")
else()
  reference(proxtop console 1)
  if(TARGET proxprofiler)
    reference(proxprofiler console 1)
  endif()
  reference(proxtop-agent agent 8)
  reference(proxtop-aggregator aggregator 8)
endif()

# package(component name folder conf "one line" "more"): its unit, its conffile (an absolute path),
# what Debian wants beside it, and its maintainer scripts.  Not part of an install of everything:
# that writes below its prefix only.
function(package component name folder conf line more)
  set(control ${CMAKE_BINARY_DIR}/packaging/${component})
  get_filename_component(place ${conf} DIRECTORY)
  get_filename_component(file ${conf} NAME)
  install(FILES ${folder}/${name}.service DESTINATION ${UNITS} COMPONENT ${component}
          EXCLUDE_FROM_ALL)
  install(FILES ${folder}/${file} DESTINATION ${place} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${PACKAGING}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(CODE "set(PACKAGE ${name})\nset(SOURCE \"${CMAKE_SOURCE_DIR}\")\n\
set(MAINTAINER \"${PACKAGE_MAINTAINER}\")\ninclude(\"${PACKAGING}/changelog.cmake\")"
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  set(UNIT ${name}.service)
  set(STATE "")
  if(NOT component STREQUAL console)
    set(STATE "/var/lib/${name} /var/lib/private/${name} ")
  endif()
  foreach(script postinst prerm postrm)
    configure_file(${PACKAGING}/${script}.in ${control}/${script} @ONLY
                   FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                    WORLD_READ WORLD_EXECUTE)
  endforeach()
  file(WRITE ${control}/conffiles "${conf}\n")
  string(TOUPPER ${component} C)
  set(CPACK_DEBIAN_${C}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_COMPONENT_${C}_DESCRIPTION "${line}\n${more}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${C}_PACKAGE_CONTROL_EXTRA
      "${control}/conffiles;${control}/postinst;${control}/prerm;${control}/postrm" PARENT_SCOPE)
endfunction()

package(console proxtop ${CMAKE_SOURCE_DIR}/console /etc/proxtop.conf
        "what virtual machines on KVM and Proxmox VE cost and suffer"
        "proxtop shows what every virtual machine on this host really costs, and what\n\
it waits for, on a terminal or as text, JSON or OpenMetrics; of one host, or by\n\
an aggregator of a whole cluster. proxprofiler makes statistical profiles of\n\
virtual machines.")
package(agent proxtop-agent ${CMAKE_SOURCE_DIR}/agent /etc/proxtop/agent.conf
        "measures a hypervisor and its virtual machines for proxtop"
        "proxtop-agent runs on every hypervisor (KVM with libvirt, Proxmox VE), measures\n\
the host and its virtual machines, and sends every sample to an aggregator. It\n\
keeps what the aggregator has not yet got.")
package(aggregator proxtop-aggregator ${CMAKE_SOURCE_DIR}/aggregator /etc/proxtop/aggregator.conf
        "takes the samples of all proxtop agents and writes them to databases"
        "proxtop-aggregator is the middle of a cluster that proxtop measures: it takes\n\
the samples of all agents, loses none, shows them to consoles as one cluster,\n\
and writes them to Logstash, InfluxDB and others.")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME proxtop)
set(CPACK_PACKAGE_VENDOR proxtop)
set(CPACK_PACKAGE_CONTACT "${PACKAGE_MAINTAINER}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION}) # version.cmake knows better
set(CPACK_PROJECT_CONFIG_FILE ${PACKAGING}/version.cmake)
set(CPACK_PROXTOP_SOURCE ${CMAKE_SOURCE_DIR})
set(CPACK_COMPONENTS_ALL console agent aggregator)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SET_DESTDIR ON) # conffiles lie outside the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
                                                GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
