#include "verify/judgement.h"

#include "fiber/loop.h"
#include "verify/authres_verdicts.h"

/* The time that SPF, DKIM and ARC leave for DMARC, which needs what they found. */
#define DMARC_TIME_MS 6000
#define CLIENT_MS     (SPF_DEADLINE_MS - DMARC_TIME_MS)

#define RESULTS_MAX       (DKIM_SIGNATURES_MAX + 4)
#define RESULTS_MAX_BYTES ((size_t)128 * 1024)

/* ---- the client ---- */

MAY_YIELD static void ask_about_client(void *context)
{
    struct judgement *judgement = context;
    uint64_t deadline_ms = clock_now_ms(loop_clock(loop_current())) + CLIENT_MS;
    spf_check(judgement->resolver, &judgement->query, deadline_ms, judgement->arena,
              &judgement->spf);
    judgement->iprev = iprev_check(judgement->resolver, &judgement->query.client, deadline_ms,
                                   judgement->arena, &judgement->client_name);
    judgement->knows_client = true;
    if (judgement->waiting)
        fiber_wake(judgement->waiting);
}

MAY_YIELD static enum err await_client(struct judgement *judgement)
{
    enum err err = OK;
    judgement->waiting = fiber_current();
    while (!judgement->knows_client && !err)
        err = fiber_park(DEADLINE_NEVER);
    judgement->waiting = NULL;
    return err;
}

/* ---- life ---- */

struct judgement *judgement_new(struct resolver *resolver, const struct spf_query *query,
                                struct arena *arena)
{
    struct judgement *judgement = ARENA_NEW(arena, struct judgement);
    judgement->message = verify_message_new();
    judgement->arena = arena;
    judgement->query = *query;
    judgement->resolver = resolver;
    judgement->verifier = dkim_verifier_new(judgement->message);
    judgement->validator = arc_validator_new(judgement->message);
    fiber_group_init(&judgement->asking, loop_current());
    fiber_spawn(&judgement->asking, "spf", ask_about_client, judgement);
    return judgement;
}

void judgement_add(struct judgement *judgement, struct str bytes)
{
    verify_message_add(judgement->message, bytes);
}

void judgement_free(struct judgement *judgement)
{
    if (!judgement)
        return;
    fiber_group_cancel(&judgement->asking);
    enum err err = fiber_group_join(&judgement->asking, DEADLINE_NEVER);
    assert(!err);
    verify_message_free(judgement->message);
}

/* ---- the message ---- */

MAY_YIELD static enum err check_signatures(struct judgement *judgement, uint64_t deadline_ms)
{
    struct dkim_keys keys = dkim_keys_make(judgement->resolver, deadline_ms, judgement->arena);
    int64_t now_s = judgement->query.wall_us / 1000000;
    enum err err =
        dkim_verifier_finish(judgement->verifier, &keys, now_s, judgement->arena, &judgement->dkim);
    if (!err)
        err = arc_validator_finish(judgement->validator, &keys, now_s, &judgement->arc);
    dkim_keys_done(&keys);
    return err;
}

static struct dmarc_authors read_authors(const struct judgement *judgement)
{
    struct dmarc_authors authors = dmarc_authors_make();
    const struct field_index *fields = &judgement->message->fields;
    for (size_t i = 0; i < fields->count; i++)
        if (mail_field_is(&fields->fields[i].field, STR("From")))
            dmarc_authors_add(&authors, judgement->arena, fields->fields[i].field.value);
    authors.is_unclear |= judgement->message->is_header_too_large;
    return authors;
}

/* Also of a domain that says it only tests DKIM: what counts for DMARC is that the signature is
 * valid (RFC 9989 section 4.4.1). */
static size_t list_identifiers(const struct judgement *judgement, struct dmarc_identifier *out)
{
    size_t count = 0;
    enum spf_result spf = judgement->spf.result;
    if (spf == SPF_RESULT_PASS || spf == SPF_RESULT_TEMPERROR)
        out[count++] = (struct dmarc_identifier){DMARC_BY_SPF, judgement->spf.domain,
                                                 spf == SPF_RESULT_TEMPERROR};
    for (size_t i = 0; i < judgement->dkim.count; i++) {
        const struct dkim_verified *signature = &judgement->dkim.items[i];
        enum dkim_result result = signature->verdict.result;
        if (result == DKIM_PASS || result == DKIM_TEMPERROR)
            out[count++] = (struct dmarc_identifier){DMARC_BY_DKIM, signature->domain,
                                                     result == DKIM_TEMPERROR};
    }
    return count;
}

MAY_YIELD static enum err check_dmarc(struct judgement *judgement, uint64_t deadline_ms)
{
    struct dmarc_identifier identifiers[DKIM_SIGNATURES_MAX + 1];
    struct dmarc_authors authors = read_authors(judgement);
    struct dmarc_query query = {&authors, identifiers, list_identifiers(judgement, identifiers)};
    dmarc_check(judgement->resolver, &query, deadline_ms, judgement->arena, &judgement->dmarc);
    return fiber_is_cancelled() ? ERR_CANCELLED : OK;
}

/* The signatures are looked up while the client still is, so that a dead name server of the one
 * does not take the time of the other. */
enum err judgement_finish(struct judgement *judgement, uint64_t deadline_ms)
{
    verify_message_end(judgement->message);
    enum err err = check_signatures(judgement, deadline_ms - DMARC_TIME_MS);
    if (!err)
        err = await_client(judgement);
    return err ? err : check_dmarc(judgement, deadline_ms);
}

/* ---- Authentication-Results ---- */

static struct authres_result authres_of_arc(const struct arc_chain *chain)
{
    return (struct authres_result){.method = "arc",
                                   .result = arc_result_text(chain->result),
                                   .comment = STR_EMPTY,
                                   .reason = str_of(chain->reason)};
}

static size_t list_results(const struct judgement *judgement, struct authres_result *out)
{
    size_t count = 0;
    struct arena *arena = judgement->arena;
    out[count++] =
        authres_of_iprev(arena, judgement->iprev, &judgement->query.client, judgement->client_name);
    out[count++] = authres_of_spf(&judgement->query, &judgement->spf);
    for (size_t i = 0; i < judgement->dkim.count; i++)
        out[count++] = authres_of_dkim(arena, &judgement->dkim.items[i]);
    if (judgement->dkim.count == 0)
        out[count++] = authres_of_no_dkim();
    out[count++] = authres_of_dmarc(arena, &judgement->dmarc);
    out[count++] = authres_of_arc(&judgement->arc);
    assert(count <= RESULTS_MAX);
    return count;
}

struct str judgement_print_results(const struct judgement *judgement, struct str authserv_id)
{
    struct arena *arena = judgement->arena;
    struct authres_result *results = ARENA_ARRAY(arena, struct authres_result, RESULTS_MAX);
    size_t count = list_results(judgement, results);
    struct buf buf = buf_make(RESULTS_MAX_BYTES);
    enum err err = authres_print_payload(&buf, authserv_id, results, count, 0);
    assert(!err); /* every value in it is cut */
    struct str text = arena_copy(arena, buf_str(&buf));
    buf_free(&buf);
    return text;
}
