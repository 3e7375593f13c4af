#include "verify/signing.h"

#include "base/mem.h"

struct signing {
    const struct keyring_domain *keys;
    struct verify_message *message;
    struct dkim_signer *signer;
};

struct signing *signing_new(const struct keyring_domain *keys)
{
    struct signing *signing = NEW(struct signing);
    signing->keys = keys;
    signing->message = verify_message_new();
    signing->signer = dkim_signer_new(signing->message);
    return signing;
}

const struct keyring_domain *signing_keys(const struct signing *signing) { return signing->keys; }

void signing_add(struct signing *signing, struct str bytes)
{
    verify_message_add(signing->message, bytes);
}

void signing_free(struct signing *signing)
{
    if (!signing)
        return;
    verify_message_free(signing->message);
    mem_free(signing);
}

/* What the pool's thread works on while its fiber waits. */
struct work {
    const struct signing *signing;
    int64_t now_s;
    struct arena *arena;
    struct str fields;
    enum err err;
};

static void sign(void *argument)
{
    struct work *work = argument;
    const struct keyring_domain *keys = work->signing->keys;
    work->err = dkim_sign_finish(work->signing->signer, keys->keys, keys->count, work->now_s,
                                 work->arena, &work->fields);
}

enum err signing_finish(struct signing *signing, struct blocking_pool *pool, int64_t now_s,
                        struct arena *arena, struct str *out_fields)
{
    struct work work = {.signing = signing, .now_s = now_s, .arena = arena};
    verify_message_end(signing->message);
    enum err err = blocking_run(pool, sign, &work);
    if (!err)
        err = work.err;
    if (!err)
        *out_fields = work.fields;
    return err;
}
