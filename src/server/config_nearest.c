#include "server/config_nearest.h"

#define NAME_MAX_BYTES 63

size_t config_distance(struct str a, struct str b)
{
    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
        return SIZE_MAX;
    /* Levenshtein's table, one row at a time: row[j] is the distance of a[..i] and b[..j]. */
    size_t row[NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = diagonal + (char_lower(a.at[i - 1]) != char_lower(b.at[j - 1]));
            diagonal = row[j];
            row[j] = min_size(replaced, min_size(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

struct config_nearest config_nearest_make(struct str written)
{
    /* Beyond half of its letters a guess only confuses. */
    return (struct config_nearest){.written = written, .distance = written.len / 2 + 1};
}

void config_nearest_show(struct config_nearest *nearest, const char *candidate)
{
    size_t distance = config_distance(nearest->written, str_of(candidate));
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->name = candidate;
    }
}
