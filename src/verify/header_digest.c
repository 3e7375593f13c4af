#include "verify/header_digest.h"

#include "base/mem.h"
#include "verify/tag_list.h"

static void put(void *context, struct str bytes)
{
    int ok = EVP_DigestUpdate(context, bytes.at, bytes.len);
    assert(ok == 1);
}

void header_digest_begin(struct header_digest *digest, enum canonicalization kind)
{
    digest->kind = kind;
    digest->hash = EVP_MD_CTX_new();
    assert(digest->hash);
    int ok = EVP_DigestInit_ex(digest->hash, EVP_sha256(), NULL);
    assert(ok == 1);
    canonical_sink_init(&digest->sink, put, digest->hash);
}

void header_digest_add(struct header_digest *digest, struct str raw_field)
{
    canonical_field(digest->kind, raw_field, &digest->sink);
}

void header_digest_add_picked(struct header_digest *digest, struct field_index *fields,
                              struct str names, const struct mail_field *except)
{
    struct tag_items items = tag_items_make(names);
    struct str name;
    field_index_begin_picking(fields);
    while (tag_items_next(&items, &name)) {
        const struct mail_field *field = field_index_pick(fields, name, except);
        if (field)
            header_digest_add(digest, field->raw);
    }
}

void header_digest_end(struct header_digest *digest, struct str raw_field, struct str hole,
                       uint8_t out[DIGEST_LEN])
{
    size_t before = (size_t)(hole.at - raw_field.at);
    assert(before <= raw_field.len && hole.len <= raw_field.len - before);
    struct str behind = str_from(raw_field, before + hole.len);
    char *field = mem_alloc(raw_field.len);
    memcpy(field, raw_field.at, before);
    memcpy(field + before, behind.at, behind.len);
    canonical_field_unended(digest->kind, str_make(field, before + behind.len), &digest->sink);
    mem_free(field);
    canonical_sink_flush(&digest->sink);
    int ok = EVP_DigestFinal_ex(digest->hash, out, NULL);
    assert(ok == 1);
    EVP_MD_CTX_free(digest->hash);
    digest->hash = NULL;
}
