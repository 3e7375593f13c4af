#include "verify/arc.h"

#include "verify/signing.h"

#define MESSAGE                                                                \
    "DKIM-Signature: v=1; a=x; b=\r\n"                                         \
    "From: joe@example.org\r\nTo: list@example.net\r\nSubject: dinner\r\n\r\n" \
    "Are you hungry yet?\r\n"

struct forwarding {
    struct arena arena;
    struct private_key *rsa, *ed25519;
    struct dkim_signing_key keys[2]; /* of two forwarders */
    struct resolver *resolver;
};

static void begin(struct forwarding *forwarding)
{
    *forwarding = (struct forwarding){.arena = arena_make()};
    forwarding->rsa = key_of(RSA_PEM_6376);
    forwarding->ed25519 = key_of(ED25519_PEM);
    forwarding->keys[0] = (struct dkim_signing_key){STR("one.example"), STR("r"), forwarding->rsa};
    forwarding->keys[1] =
        (struct dkim_signing_key){STR("two.example"), STR("e"), forwarding->ed25519};
    forwarding->resolver = resolver_scripted_new();
    resolver_script(forwarding->resolver, "r._domainkey.one.example", DNS_TXT, RSA_RECORD_6376);
    resolver_script(forwarding->resolver, "e._domainkey.two.example", DNS_TXT, ED25519_RECORD);
}

static void end(struct forwarding *forwarding)
{
    private_key_free(forwarding->rsa);
    private_key_free(forwarding->ed25519);
    resolver_free(forwarding->resolver);
    arena_reset(&forwarding->arena);
}

/* The chain of the message; with a key, also the message as it is forwarded. */
static struct arc_chain pass_on(struct forwarding *forwarding, const struct dkim_signing_key *key,
                                struct str *bytes, enum err *out_err)
{
    struct verify_message *message = verify_message_new();
    struct arc_sealer *sealer = arc_sealer_new(message);
    struct arc_validator *validator = arc_validator_new(message);
    feed(message, *bytes, 100);
    struct dkim_keys keys =
        dkim_keys_make(forwarding->resolver, loop_now_ms() + 20000, &forwarding->arena);
    struct arc_chain chain = {.reason = "?"};
    CHECK(arc_validator_finish(validator, &keys, 1000, &chain) == OK);
    dkim_keys_done(&keys);
    if (key) {
        struct str fields = STR_EMPTY;
        struct str results = STR("one.example; spf=pass smtp.mailfrom=joe@example.org;\r\n"
                                 " dkim=pass header.d=example.org; dmarc=pass; arc=none");
        *out_err = arc_seal_finish(sealer, &chain, key, results, 900, &forwarding->arena, &fields);
        *bytes = arena_printf(&forwarding->arena, "%.*s%.*s", STR_FMT(fields), STR_FMT(*bytes));
    }
    chain.sets = NULL; /* of the message that goes now */
    chain.validator = NULL;
    verify_message_free(message);
    return chain;
}

static struct arc_chain validate(struct forwarding *forwarding, struct str bytes)
{
    return pass_on(forwarding, NULL, &bytes, NULL);
}

/* Forwarded `hops` times, by the two in turn. */
static struct str forward(struct forwarding *forwarding, unsigned hops)
{
    struct str bytes = STR(MESSAGE);
    for (unsigned i = 0; i < hops; i++) {
        enum err err = OK;
        pass_on(forwarding, &forwarding->keys[i % 2], &bytes, &err);
        CHECK_INT(err, OK);
    }
    return bytes;
}

TEST_VIRTUAL(rfc8617_5_2_a_message_without_sets_is_none)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct arc_chain chain = validate(&forwarding, STR(MESSAGE));
    CHECK_INT(chain.result, ARC_NONE);
    CHECK_INT(chain.instance, 0);
    end(&forwarding);
}

TEST_VIRTUAL(rfc8617_5_1_a_sealed_chain_passes_at_every_hop)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes = STR(MESSAGE);
    for (unsigned hop = 0; hop < 5; hop++) {
        enum err err = OK;
        struct arc_chain chain = pass_on(&forwarding, &forwarding.keys[hop % 2], &bytes, &err);
        CHECK_INT(err, OK);
        CHECK_INT(chain.result, hop == 0 ? ARC_NONE : ARC_PASS);
        CHECK_INT(chain.instance, hop);
        CHECK_INT(chain.oldest_pass, 0);
    }
    CHECK_INT(validate(&forwarding, bytes).result, ARC_PASS);
    end(&forwarding);
}

TEST_VIRTUAL(the_newest_set_stands_on_top_and_is_folded)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes = forward(&forwarding, 1), line;
    CHECK(str_starts(
        bytes, STR("ARC-Seal: i=1; a=rsa-sha256; d=one.example; s=r; t=900; cv=none;\r\n b=")));
    CHECK(str_search(bytes, STR("\r\nARC-Message-Signature: i=1; c=relaxed/relaxed; ")) !=
          SIZE_MAX);
    CHECK(str_search(bytes, STR("\r\nARC-Authentication-Results: i=1; one.example; spf=pass")) !=
          SIZE_MAX);
    CHECK(str_search(bytes, STR("h=DKIM-Signature:From:From:")) != SIZE_MAX);
    while (str_cut(bytes, '\n', &line, &bytes))
        CHECK(line.len <= 79);
    end(&forwarding);
}

TEST_VIRTUAL(rfc8617_5_2_step_4_the_newest_signature_must_verify)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes = forward(&forwarding, 2);
    size_t at = str_search(bytes, STR("hungry"));
    bytes = arena_printf(&forwarding.arena, "%.*sthirsty%.*s", STR_FMT(str_first(bytes, at)),
                         STR_FMT(str_from(bytes, at + 6)));
    CHECK_INT(validate(&forwarding, bytes).result, ARC_FAIL);
    end(&forwarding);
}

/* One forwarder's set on top of a changed message: the older signatures no longer verify, the
 * chain does. */
TEST_VIRTUAL(rfc8617_5_2_step_5_a_list_that_changes_the_message_keeps_the_chain)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes = forward(&forwarding, 1);
    struct verify_message *before = verify_message_new(), *after = verify_message_new();
    struct arc_validator *validator = arc_validator_new(before);
    struct arc_sealer *sealer = arc_sealer_new(after);
    struct str changed = arena_printf(&forwarding.arena, "%.*s-- \r\nthe list\r\n", STR_FMT(bytes));
    feed(before, bytes, 100);
    feed(after, changed, 100);
    struct dkim_keys keys =
        dkim_keys_make(forwarding.resolver, loop_now_ms() + 20000, &forwarding.arena);
    struct arc_chain chain;
    struct str fields = STR_EMPTY;
    CHECK(arc_validator_finish(validator, &keys, 1000, &chain) == OK);
    CHECK_INT(chain.result, ARC_PASS);
    CHECK_STR(chain.sets[0].seal_domain, STR("one.example"));
    CHECK(str_starts(chain.sets[0].authentication_results, STR(" one.example; spf=pass")));
    CHECK(arc_seal_finish(sealer, &chain, &forwarding.keys[1], STR("two.example; arc=pass"), 901,
                          &forwarding.arena, &fields) == OK);
    dkim_keys_done(&keys);
    verify_message_free(before);
    verify_message_free(after);
    changed = arena_printf(&forwarding.arena, "%.*s%.*s", STR_FMT(fields), STR_FMT(changed));
    chain = validate(&forwarding, changed);
    CHECK_INT(chain.result, ARC_PASS);
    CHECK_INT(chain.instance, 2);
    CHECK_INT(chain.oldest_pass, 2);
    end(&forwarding);
}

/* ---- section 5.2 step 3: structure ---- */

static const struct change {
    const char *sentence;
    const char *from;
    const char *to;
} changes[] = {
    {"a set without its results", "ARC-Authentication-Results: i=2;", "X: i=2;"},
    {"a set without its message signature", "ARC-Message-Signature: i=1;", "X: i=1;"},
    {"a set without its seal", "ARC-Seal: i=1;", "X: i=1;"},
    {"a gap", "ARC-Seal: i=2;", "ARC-Seal: i=3;"},
    {"an instance twice", "ARC-Seal: i=2;", "ARC-Seal: i=1;"},
    {"instance 0", "ARC-Seal: i=2;", "ARC-Seal: i=0;"},
    {"instance 51", "ARC-Seal: i=2;", "ARC-Seal: i=51;"},
    {"an instance that is no number", "ARC-Seal: i=2;", "ARC-Seal: i=two;"},
    {"an empty instance", "ARC-Message-Signature: i=2;", "ARC-Message-Signature: i=;"},
    {"no instance", "ARC-Message-Signature: i=2;", "ARC-Message-Signature: y=2;"},
    {"results without an instance", "ARC-Authentication-Results: i=1; ",
     "ARC-Authentication-Results: "},
    {"results with the instance behind the name", "Results: i=1; one.example;",
     "Results: one.example; i=1;"},
    {"results without the semicolon", "Results: i=1; one.example;", "Results: i=1 one.example;"},
    {"cv=none behind the first", "i=2; a=ed25519-sha256; d=two.example; s=e; t=900; cv=pass",
     "i=2; a=ed25519-sha256; d=two.example; s=e; t=900; cv=none"},
    {"cv=pass for the first", "cv=none", "cv=pass"},
    {"step 2: cv=fail", "cv=pass", "cv=fail"},
    {"no cv=", "cv=pass", "xv=pass"},
    {"an unknown cv=", "cv=pass", "cv=maybe"},
    {"cv= in upper case", "cv=pass", "cv=PASS"},
    {"a seal that is no list of tags", "ARC-Seal: i=2;", "ARC-Seal: i=2;;"},
    {"section 4.1.3: a seal with h=", "cv=pass;", "cv=pass; h=from;"},
    {"step 4: the newest message signature", "Subject: dinner", "Subject: lunch"},
    {"step 6: results that were changed", "spf=pass", "spf=fail"},
    {"step 6: a seal that was changed", "t=900; cv=none", "t=901; cv=none"},
    {"section 5.2.1: a key that cannot be looked up", "d=two.example; s=e; t=900; cv=pass",
     "d=two.example; s=down; t=900; cv=pass"},
};

static struct str replaced(struct arena *arena, struct str text, struct str from, struct str to)
{
    size_t at = str_search(text, from);
    assert(at != SIZE_MAX);
    return arena_printf(arena, "%.*s%.*s%.*s", STR_FMT(str_first(text, at)), STR_FMT(to),
                        STR_FMT(str_from(text, at + from.len)));
}

TEST_VIRTUAL(rfc8617_5_2_every_fault_makes_the_chain_fail)
{
    struct forwarding forwarding;
    begin(&forwarding);
    resolver_script_failure(forwarding.resolver, "down._domainkey.two.example", DNS_TXT);
    struct str bytes = forward(&forwarding, 2);
    CHECK_INT(validate(&forwarding, bytes).result, ARC_PASS);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct str changed =
            replaced(&forwarding.arena, bytes, str_of(changes[i].from), str_of(changes[i].to));
        struct arc_chain chain = validate(&forwarding, changed);
        CHECK_ROW(changes[i].sentence, chain.result == ARC_FAIL);
        CHECK_ROW(changes[i].sentence, *chain.reason);
    }
    end(&forwarding);
}

TEST_VIRTUAL(rfc8617_4_1_1_comments_and_folds_around_the_instance)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes = forward(&forwarding, 1);
    struct str changed = replaced(&forwarding.arena, bytes, STR("Results: i=1;"),
                                  STR("Results: (a)\r\n i (b) = 1 (c) ;"));
    struct arc_chain chain = validate(&forwarding, changed);
    CHECK_INT(chain.instance, 1); /* read; the seal over it is another matter */
    CHECK_STR(str_of(chain.reason), STR("the signature does not verify"));
    end(&forwarding);
}

TEST_VIRTUAL(rfc8617_5_1_2_a_failed_chain_is_sealed_once_and_then_no_more)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes =
        replaced(&forwarding.arena, forward(&forwarding, 1), STR("spf=pass"), STR("spf=fail"));
    enum err err = OK;
    struct arc_chain chain = pass_on(&forwarding, &forwarding.keys[1], &bytes, &err);
    CHECK_INT(chain.result, ARC_FAIL);
    CHECK_INT(err, OK);
    CHECK(str_starts(bytes, STR("ARC-Seal: i=2;")));
    CHECK(str_search(bytes, STR("cv=fail;")) != SIZE_MAX);
    struct str once = bytes;
    chain = pass_on(&forwarding, &forwarding.keys[0], &bytes, &err);
    CHECK_INT(chain.result, ARC_FAIL);
    CHECK(chain.was_failed);
    CHECK_INT(err, ERR_UNSUPPORTED);
    CHECK_STR(bytes, once);
    end(&forwarding);
}

TEST_VIRTUAL(rfc8617_4_2_1_there_are_at_most_50_sets)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct str bytes = STR(MESSAGE);
    enum err err = OK;
    for (unsigned i = 0; i < ARC_SETS_MAX; i++)
        pass_on(&forwarding, &forwarding.keys[1], &bytes, &err);
    CHECK_INT(err, OK);
    struct arc_chain chain = pass_on(&forwarding, &forwarding.keys[1], &bytes, &err);
    CHECK_INT(chain.result, ARC_PASS);
    CHECK_INT(chain.instance, ARC_SETS_MAX);
    CHECK_INT(err, ERR_UNSUPPORTED);
    end(&forwarding);
}

TEST_VIRTUAL(thousands_of_fields_of_arc_end_in_a_verdict)
{
    struct forwarding forwarding;
    begin(&forwarding);
    struct buf bytes = buf_make(8 << 20);
    for (int i = 0; i < 15000; i++)
        CHECK(buf_printf(&bytes, "ARC-Seal: i=%d; cv=none\r\n", i % 50 + 1) == OK);
    CHECK(buf_add(&bytes, STR(MESSAGE)) == OK);
    CHECK_INT(validate(&forwarding, buf_str(&bytes)).result, ARC_FAIL);
    buf_free(&bytes);
    end(&forwarding);
}

int main(void)
{
    RUN(rfc8617_5_2_a_message_without_sets_is_none);
    RUN(rfc8617_5_1_a_sealed_chain_passes_at_every_hop);
    RUN(the_newest_set_stands_on_top_and_is_folded);
    RUN(rfc8617_5_2_step_4_the_newest_signature_must_verify);
    RUN(rfc8617_5_2_step_5_a_list_that_changes_the_message_keeps_the_chain);
    RUN(rfc8617_5_2_every_fault_makes_the_chain_fail);
    RUN(rfc8617_4_1_1_comments_and_folds_around_the_instance);
    RUN(rfc8617_5_1_2_a_failed_chain_is_sealed_once_and_then_no_more);
    RUN(rfc8617_4_2_1_there_are_at_most_50_sets);
    RUN(thousands_of_fields_of_arc_end_in_a_verdict);
    return test_summary();
}
