/* The name that somebody meant who wrote another. Pure. */
#ifndef SERVER_CONFIG_NEAREST_H
#define SERVER_CONFIG_NEAREST_H

#include "base/str.h"

/* How many letters to insert, remove or replace; a difference in case counts nothing. Names longer
 * than 63 bytes are far from everything: SIZE_MAX. */
size_t config_distance(struct str a, struct str b);

/* Remembers the nearest of the candidates that it is shown. */
struct config_nearest {
    struct str written;
    const char *name; /* NULL: none is near */
    size_t distance;
};
struct config_nearest config_nearest_make(struct str written);
void config_nearest_show(struct config_nearest *nearest, const char *candidate);

#endif
