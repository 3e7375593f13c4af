#include "sender.h"

#include "deliver/transaction.h"
#include "fiber/loop.h"
#include "net/tls.h"

#define TRANSCRIPT_MAX_BYTES 8192
#define MINUTE_MS            60000u

static struct deliver_timeouts patience(void)
{
    struct deliver_timeouts timeouts = deliver_timeouts_default();
    timeouts.banner = timeouts.command = timeouts.mail = timeouts.rcpt = MINUTE_MS;
    timeouts.data_start = timeouts.data_block = timeouts.data_end = 2 * MINUTE_MS;
    return timeouts;
}

/* What the outcome of a transaction says of the promise. */
static enum promise promise_of(const struct smtp_client *client,
                               const struct queue_outcome *outcome)
{
    bool is_reply = outcome->reason == SPOOL_REASON_REPLY;
    if (outcome->kind == QUEUE_DELIVERED)
        return PROMISE_GIVEN;
    return is_reply || client->stage < SMTP_CLIENT_CONTENT ? PROMISE_REFUSED : PROMISE_UNKNOWN;
}

static void note(struct sender *sender, struct mailing *mailing, const struct smtp_client *client,
                 const struct queue_outcome *outcomes)
{
    for (size_t i = 0; i < mailing->count; i++)
        mailing->to[i].promise = promise_of(client, &outcomes[i]);
    mailing->answered_ms = loop_now_ms();
    sender->last_words = arena_copy(sender->ledger->arena, outcomes[0].words);
}

static void transact(struct sender *sender, struct smtp_client *client, struct mailing *mailing,
                     struct arena *arena)
{
    static const uint32_t indices[MAILING_RECIPIENTS_MAX] = {0, 1, 2};
    struct spool_recipient recipients[MAILING_RECIPIENTS_MAX] = {{{0}}};
    struct queue_outcome outcomes[MAILING_RECIPIENTS_MAX];
    struct str content = mailing_content(mailing, arena);
    struct content_source source = content_of_text(&content);
    for (size_t i = 0; i < mailing->count; i++)
        recipients[i].address = mailing->to[i].address;
    struct spool_envelope envelope = {
        .sender = mailing->sender,
        .recipients = recipients,
        .recipient_count = (uint32_t)mailing->count,
    };
    struct transaction transaction = {&envelope, indices,         mailing->count,
                                      &source,   mailing->sender, false};
    transaction_run(client, &transaction, arena, outcomes);
    note(sender, mailing, client, outcomes);
}

static enum err greet(struct sender *sender, struct smtp_client *client)
{
    enum err err = smtp_client_greet(client);
    if (sender->is_steady)
        return err;
    if (!err && client->extensions.starttls && random_below(sender->random, 2))
        err = smtp_client_start_tls(client, tls_context_simulated(), STR("mx"), false);
    /* Not every client uses all that it is offered. */
    client->extensions.chunking &= random_below(sender->random, 2) == 0;
    client->extensions.pipelining &= random_below(sender->random, 2) == 0;
    return err;
}

static void converse(struct sender *sender, struct stream *stream, struct mailing *mailing)
{
    struct smtp_client client;
    struct transcript transcript;
    struct arena arena = arena_make();
    transcript_init(&transcript, TRANSCRIPT_MAX_BYTES, loop_now_ms());
    smtp_client_init(&client, stream,
                     &(struct smtp_client_options){.hostname = STR("client.example"),
                                                   .peer = STR("mx"),
                                                   .timeouts = patience()},
                     &transcript);
    enum err err = greet(sender, &client);
    if (!err) {
        transact(sender, &client, mailing, &arena);
        if (!client.is_over && (sender->is_steady || random_below(sender->random, 4)))
            smtp_client_quit(&client);
    } else {
        sender->last_words =
            arena_copy(sender->ledger->arena, smtp_client_problem(&client, err, &arena).words);
    }
    smtp_client_close(&client);
    transcript_done(&transcript);
    arena_reset(&arena);
}

static void set_promise(struct mailing *mailing, enum promise promise)
{
    for (size_t i = 0; i < mailing->count; i++)
        mailing->to[i].promise = promise;
}

void sender_send(struct sender *sender, struct mailing *mailing)
{
    struct stream *stream;
    uint16_t port = net_address_port(&sender->address);
    net_address_set_port(&sender->address, port == UINT16_MAX ? 1024 : (uint16_t)(port + 1));
    sender->last_words = STR_EMPTY;
    /* Until the content is on its way nobody can have it. */
    set_promise(mailing, PROMISE_REFUSED);
    if (network_connect(sender->network, &sender->server, &sender->address,
                        loop_now_ms() + MINUTE_MS, &stream) == OK)
        converse(sender, stream, mailing);
}
