/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_KEYS_H
#define PROXTOP_FRAME_KEYS_H

/* The words of a frame, for who writes and who reads them; README.md says what they mean. */
#define FRAME_HOST_ID  "id"
#define FRAME_HOST     "host"
#define FRAME_AGENT    "agent"
#define FRAME_EPOCH    "epoch"
#define FRAME_SEQUENCE "seq"
#define FRAME_BOOT     "boot"
#define FRAME_WALL     "wall"
#define FRAME_INTERVAL "interval"
#define FRAME_TABLES   "tables"

/* of a table */
#define FRAME_ID         "id"
#define FRAME_PARENT     "parent"
#define FRAME_COUNTED    "counted"
#define FRAME_AGE        "age"
#define FRAME_AGE_BEFORE "age-before"
#define FRAME_COLUMNS    "columns"
#define FRAME_GAINED     "gained"

#endif
