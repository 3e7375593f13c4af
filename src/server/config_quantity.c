#include "server/config_quantity.h"

struct unit {
    char letter; /* 0: none */
    enum config_quantity kind;
    uint64_t factor;
};

static const struct unit units[] = {
    {'s', CONFIG_DURATION, 1},     {'m', CONFIG_DURATION, 60},  {'h', CONFIG_DURATION, 3600},
    {'d', CONFIG_DURATION, 86400}, {0, CONFIG_SIZE, 1},         {'K', CONFIG_SIZE, 1 << 10},
    {'M', CONFIG_SIZE, 1 << 20},   {'G', CONFIG_SIZE, 1 << 30}, {0, CONFIG_NUMBER, 1},
};

static const struct unit *find_unit(char letter, enum config_quantity kind)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].letter == letter && units[i].kind == kind)
            return &units[i];
    return NULL;
}

static const char *problem_of_unit(char letter, enum config_quantity kind)
{
    if (!letter)
        return "without a unit";
    if (kind != CONFIG_DURATION && find_unit(letter, CONFIG_DURATION))
        return "a duration";
    if (kind != CONFIG_SIZE && find_unit(letter, CONFIG_SIZE))
        return "a size";
    return "of an unknown unit";
}

const char *config_quantity_parse(struct str text, enum config_quantity kind, uint64_t *out_value)
{
    char letter = text.len && !char_is_digit(text.at[text.len - 1]) ? text.at[text.len - 1] : 0;
    struct str digits = str_first(text, text.len - (letter ? 1 : 0));
    for (size_t i = 0; i < digits.len; i++)
        if (!char_is_digit(digits.at[i]))
            return "none";
    if (digits.len == 0)
        return "none";
    const struct unit *unit = find_unit(letter, kind);
    if (!unit)
        return problem_of_unit(letter, kind);
    uint64_t count;
    if (!str_to_u64(digits, UINT64_MAX / unit->factor, &count))
        return "too large";
    *out_value = count * unit->factor;
    return NULL;
}
