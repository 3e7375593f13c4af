#include "verify/field_index.h"

/* All fields of one name. */
struct name_entry {
    const struct indexed_field *lowest;
    const struct indexed_field *next; /* to be picked, in the turn below */
    uint64_t turn;
};

struct lowered {
    char bytes[FIELD_NAME_MAX];
};

/* False when the name is too long. */
static bool lower(struct str name, struct lowered *out, struct str *out_name)
{
    if (name.len > FIELD_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        out->bytes[i] = char_lower(name.at[i]);
    *out_name = str_make(out->bytes, name.len);
    return true;
}

static struct name_entry *entry_find(const struct field_index *index, struct str name)
{
    struct lowered lowered;
    struct str key;
    return lower(name, &lowered, &key) ? map_get(&index->names, key) : NULL;
}

static void index_add(struct field_index *index, struct indexed_field *field)
{
    struct lowered lowered;
    struct str key;
    if (field->field.name.len == 0 || !lower(field->field.name, &lowered, &key))
        return;
    struct name_entry *entry = map_get(&index->names, key);
    if (!entry) {
        entry = ARENA_NEW(&index->arena, struct name_entry);
        map_set(&index->names, arena_copy(&index->arena, key), entry);
    }
    field->above = entry->lowest;
    entry->lowest = field;
}

void field_index_init(struct field_index *index, struct str header, size_t count)
{
    *index = (struct field_index){.arena = arena_make(), .names = map_make()};
    index->fields = ARENA_ARRAY(&index->arena, struct indexed_field, count + 1);
    struct mail_header_reader reader = mail_header_reader_make();
    while (index->count < count) {
        struct indexed_field *field = &index->fields[index->count];
        if (mail_header_next(&reader, header, true, &field->field) != MAIL_HEADER_FIELD)
            break;
        index_add(index, field);
        index->count++;
    }
}

void field_index_done(struct field_index *index)
{
    map_done(&index->names);
    arena_reset(&index->arena);
}

const struct indexed_field *field_index_lowest(const struct field_index *index, struct str name)
{
    const struct name_entry *entry = entry_find(index, name);
    return entry ? entry->lowest : NULL;
}

void field_index_begin_picking(struct field_index *index) { index->turn++; }

const struct mail_field *field_index_pick(struct field_index *index, struct str name,
                                          const struct mail_field *except)
{
    struct name_entry *entry = entry_find(index, name);
    if (!entry)
        return NULL;
    if (entry->turn != index->turn) {
        entry->turn = index->turn;
        entry->next = entry->lowest;
    }
    if (entry->next && &entry->next->field == except)
        entry->next = entry->next->above;
    const struct indexed_field *picked = entry->next;
    if (!picked)
        return NULL;
    entry->next = picked->above;
    return &picked->field;
}
