#include "receive/sign.h"

#include "fiber/loop.h"
#include "verify/dmarc_author.h"
#include "verify/signing.h"

const struct answer sign_pool_full = {
    451, {4, 3, 0}, "Too many messages to sign at once, try again later"};

/* Strangers on mx are nobody that we sign for. */
static bool is_ours(const struct session *session)
{
    return session->service->kind == RECEIVE_MX ? session->is_relay_client
                                                : session->account != NULL;
}

void sign_begin(struct session *session, struct incoming *incoming)
{
    const struct header_watch *header = &incoming->header;
    if (!session->service->keyring || !is_ours(session))
        return;
    struct dmarc_authors authors = dmarc_authors_make();
    for (size_t i = 0; i < header->from_count; i++)
        dmarc_authors_add(&authors, &session->transaction.arena, header_watch_from(header, i));
    if (!dmarc_authors_are_clear(&authors)) {
        incoming_tell(session, incoming,
                      STR("not signed: it has not one From field with one address"));
        return;
    }
    const struct keyring_domain *keys = keyring_find(session->service->keyring, authors.domains[0]);
    if (keys)
        incoming->signing = signing_new(keys);
}

static void tell_signed(struct session *session, struct incoming *incoming)
{
    const struct keyring_domain *keys = signing_keys(incoming->signing);
    struct arena *arena = &session->transaction.arena;
    struct str text = arena_printf(arena, "signed for %.*s", STR_FMT(keys->name));
    for (size_t i = 0; i < keys->count; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_FMT(text), i ? ", " : " with ",
                            STR_FMT(keys->keys[i].selector));
    incoming_tell(session, incoming, text);
}

const struct answer *sign_finish(struct session *session, struct incoming *incoming)
{
    int64_t now_s = clock_wall_us(loop_clock(loop_current())) / 1000000;
    struct str fields;
    enum err err = signing_finish(incoming->signing, session->service->signing_pool, now_s,
                                  &session->transaction.arena, &fields);
    if (err == ERR_BUSY)
        return &sign_pool_full;
    if (err) {
        incoming_tell(session, incoming, STR("not signed: its header has too many fields"));
        return NULL;
    }
    incoming_put_on_top(session, incoming, fields);
    tell_signed(session, incoming);
    return NULL;
}
