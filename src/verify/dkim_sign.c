#include "verify/dkim_sign.h"

#include "base/encode.h"
#include "verify/header_digest.h"

#define NAMES_MAX 1000 /* in h=; RFC 6376 has no limit, readers have */
#define FIELD_MAX 65536

/* What readers see and act on; all of it is signed once more often than it occurs. */
static const char *const always_signed[] = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "Cc",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
};

struct dkim_signer {
    struct verify_observer observer;
    struct verify_message *message;
    const struct body_digest *body;
};

static void header_known(struct verify_observer *observer, struct verify_message *message)
{
    struct dkim_signer *signer = CONTAINER_OF(observer, struct dkim_signer, observer);
    signer->body =
        body_digests_want(&message->body, CANONICAL_RELAXED, BODY_LENGTH_WHOLE, &message->arena);
    assert(signer->body); /* signers come first, or share this length with others */
}

struct dkim_signer *dkim_signer_new(struct verify_message *message)
{
    struct dkim_signer *signer = ARENA_NEW(&message->arena, struct dkim_signer);
    signer->message = message;
    signer->observer.header_known = header_known;
    verify_message_observe(message, &signer->observer);
    return signer;
}

/* ---- which fields ---- */

static size_t count_fields(const struct field_index *fields, struct str name)
{
    size_t count = 0;
    for (const struct indexed_field *each = field_index_lowest(fields, name); each;
         each = each->above)
        count++;
    return count;
}

struct names {
    struct buf text;
    size_t count;
};

static enum err add_name_once(struct names *names, struct str name)
{
    enum err err = names->count++ ? buf_add_char(&names->text, ':') : OK;
    return err ? err : buf_add(&names->text, name);
}

static enum err add_name(struct names *names, struct str name, size_t times)
{
    if (times > NAMES_MAX || names->count + times > NAMES_MAX)
        return ERR_LIMIT;
    enum err err = OK;
    for (; times && !err; times--)
        err = add_name_once(names, name);
    return err;
}

static enum err collect_names(struct names *names, const struct field_index *fields,
                              const char *const *more)
{
    enum err err = OK;
    for (; more && *more && !err; more++) {
        struct str name = str_of(*more);
        err = add_name(names, name, count_fields(fields, name));
    }
    for (size_t i = 0; i < ARRAY_LEN(always_signed) && !err; i++) {
        struct str name = str_of(always_signed[i]);
        err = add_name(names, name, count_fields(fields, name) + 1);
    }
    return err;
}

enum err dkim_names_to_sign(const struct verify_message *message, const char *const *more,
                            struct arena *arena, struct str *out_names)
{
    if (message->is_header_too_large)
        return ERR_LIMIT;
    if (!field_index_lowest(&message->fields, STR("From")))
        return ERR_SYNTAX;
    struct names names = {.text = buf_make(FIELD_MAX)};
    enum err err = collect_names(&names, &message->fields, more);
    if (!err)
        *out_names = arena_copy(arena, buf_str(&names.text));
    buf_free(&names.text);
    return err;
}

/* ---- the field ---- */

static void write_names(struct field_writer *writer, struct str names)
{
    field_writer_add(writer, STR("h="));
    for (size_t end; names.len; names = str_from(names, end)) {
        end = str_find(names, ':');
        end = end == SIZE_MAX ? names.len : end + 1;
        field_writer_join(writer, str_first(names, end));
    }
    field_writer_join(writer, STR(";"));
}

enum err dkim_field_sign(struct field_writer *writer, struct verify_message *message,
                         struct str names, const struct body_digest *body,
                         const struct private_key *key, struct arena *arena)
{
    write_names(writer, names);
    struct str hash = str_make((const char *)body->bytes, DIGEST_LEN);
    field_writer_printf(writer, "bh=%s;", base64_encode(arena, hash).at);
    field_writer_add_before_text(writer, STR("b="));
    if (writer->err)
        return writer->err;
    struct str field = field_writer_text(writer);
    struct header_digest digest;
    uint8_t bytes[DIGEST_LEN];
    header_digest_begin(&digest, CANONICAL_RELAXED);
    header_digest_add_picked(&digest, &message->fields, names, NULL);
    header_digest_end(&digest, field, str_from(field, field.len), bytes);
    struct str signature = private_key_sign(arena, key, bytes);
    field_writer_join_text(writer, base64_encode(arena, signature));
    return field_writer_end(writer);
}

static enum err sign_with(struct dkim_signer *signer, const struct dkim_signing_key *key,
                          struct str names, int64_t now_s, struct arena *arena, struct buf *out)
{
    struct field_writer writer = field_writer_make(out, STR("DKIM-Signature"));
    enum dkim_algorithm algorithm = private_key_algorithm(key->key);
    field_writer_add(&writer, STR("v=1;"));
    field_writer_printf(&writer, "a=%.*s;", STR_FMT(dkim_algorithm_text(algorithm)));
    field_writer_add(&writer, STR("c=relaxed/relaxed;"));
    field_writer_printf(&writer, "d=%.*s;", STR_FMT(key->domain));
    field_writer_printf(&writer, "s=%.*s;", STR_FMT(key->selector));
    field_writer_printf(&writer, "t=%lld;", (long long)now_s);
    return dkim_field_sign(&writer, signer->message, names, signer->body, key->key, arena);
}

enum err dkim_sign_finish(struct dkim_signer *signer, const struct dkim_signing_key *keys,
                          size_t count, int64_t now_s, struct arena *arena, struct str *out_fields)
{
    assert(signer->message->has_ended);
    struct str names;
    enum err err = dkim_names_to_sign(signer->message, NULL, arena, &names);
    if (err)
        return err;
    struct buf fields = buf_make(FIELD_MAX * (count + 1));
    for (size_t i = 0; i < count && !err; i++)
        err = sign_with(signer, &keys[i], names, now_s, arena, &fields);
    if (!err)
        *out_fields = arena_copy(arena, buf_str(&fields));
    buf_free(&fields);
    return err;
}
