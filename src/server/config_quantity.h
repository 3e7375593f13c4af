/* Durations `30s 5m 4h 5d`, sizes `64K 50M 2G` and plain numbers. Pure. */
#ifndef SERVER_CONFIG_QUANTITY_H
#define SERVER_CONFIG_QUANTITY_H

#include "base/str.h"

enum config_quantity { CONFIG_DURATION, CONFIG_SIZE, CONFIG_NUMBER };

/* Seconds, bytes (K is 1,024; without a letter it is bytes), or the number. NULL when `text` is
 * that; else why not, to stand behind "is": "a size", "without a unit". */
const char *config_quantity_parse(struct str text, enum config_quantity kind, uint64_t *out_value);

#endif
