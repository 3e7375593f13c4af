#include "verify/dkim_sign.h"

#include "verify/signing.h"

#define FIELDS                                                              \
    "From: joe@example.org\r\nTo: suzie@example.net\r\nSubject: dinner\r\n" \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
#define BODY "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n"

struct signing {
    struct arena arena;
    struct private_key *rsa, *ed25519;
    struct dkim_signing_key keys[2];
    struct resolver *resolver;
};

static void begin(struct signing *signing)
{
    *signing = (struct signing){.arena = arena_make()};
    signing->rsa = key_of(RSA_PEM_6376);
    signing->ed25519 = key_of(ED25519_PEM);
    signing->keys[0] = (struct dkim_signing_key){STR("example.org"), STR("r"), signing->rsa};
    signing->keys[1] = (struct dkim_signing_key){STR("example.org"), STR("e"), signing->ed25519};
    signing->resolver = resolver_scripted_new();
    resolver_script(signing->resolver, "r._domainkey.example.org", DNS_TXT, RSA_RECORD_6376);
    resolver_script(signing->resolver, "e._domainkey.example.org", DNS_TXT, ED25519_RECORD);
}

static void end(struct signing *signing)
{
    private_key_free(signing->rsa);
    private_key_free(signing->ed25519);
    resolver_free(signing->resolver);
    arena_reset(&signing->arena);
}

static enum err sign(struct signing *signing, struct str bytes, size_t piece,
                     struct str *out_fields)
{
    struct verify_message *message = verify_message_new();
    struct dkim_signer *signer = dkim_signer_new(message);
    feed(message, bytes, piece);
    enum err err =
        dkim_sign_finish(signer, signing->keys, 2, 1528637909, &signing->arena, out_fields);
    verify_message_free(message);
    return err;
}

static struct str joined(struct signing *signing, struct str a, struct str b)
{
    return arena_printf(&signing->arena, "%.*s%.*s", STR_FMT(a), STR_FMT(b));
}

TEST_VIRTUAL(rfc6376_5_both_algorithms_from_one_pass_and_both_verify)
{
    struct signing signing;
    begin(&signing);
    struct str message = STR(FIELDS "\r\n" BODY), fields = STR_EMPTY;
    CHECK(sign(&signing, message, 1000, &fields) == OK);
    struct dkim_verified_list list =
        verify_all(signing.resolver, joined(&signing, fields, message), 1528637910, &signing.arena);
    REQUIRE(list.count == 2);
    CHECK_INT(list.items[0].verdict.result, DKIM_PASS);
    CHECK_INT(list.items[1].verdict.result, DKIM_PASS);
    CHECK_STR(list.items[0].algorithm, STR("rsa-sha256"));
    CHECK_STR(list.items[1].algorithm, STR("ed25519-sha256"));
    end(&signing);
}

TEST(the_same_message_gives_the_same_fields_in_any_pieces)
{
    struct signing signing;
    begin(&signing);
    struct str message = STR(FIELDS "\r\n" BODY), first = STR_EMPTY, again = STR_EMPTY;
    CHECK(sign(&signing, message, 1000, &first) == OK);
    for (size_t piece = 1; piece < message.len; piece += 13) {
        CHECK(sign(&signing, message, piece, &again) == OK);
        CHECK_STR(again, first);
    }
    end(&signing);
}

TEST(no_line_is_longer_than_78_columns)
{
    struct signing signing;
    begin(&signing);
    struct str fields = STR_EMPTY, line;
    CHECK(sign(&signing, STR(FIELDS "\r\n" BODY), 1000, &fields) == OK);
    CHECK(str_starts(fields, STR("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
                                 "d=example.org; s=r;\r\n t=1528637909; h=From:From:")));
    while (str_cut(fields, '\n', &line, &fields))
        CHECK(line.len <= 79 && str_ends(line, STR("\r")));
    CHECK_INT(fields.len, 0);
    end(&signing);
}

static const char *const watched[] = {
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
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
};

TEST_VIRTUAL(rfc6376_5_4_no_field_that_readers_see_can_be_added)
{
    struct signing signing;
    begin(&signing);
    struct str message = STR(FIELDS "\r\n" BODY), fields = STR_EMPTY;
    CHECK(sign(&signing, message, 1000, &fields) == OK);
    for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
        struct str forged = arena_printf(&signing.arena, "%s: forged\r\n%.*s%.*s", watched[i],
                                         STR_FMT(fields), STR_FMT(message));
        struct dkim_verified_list list = verify_all(signing.resolver, forged, 0, &signing.arena);
        CHECK_ROW(watched[i], list.count == 2 && list.items[0].verdict.result == DKIM_FAIL &&
                                  list.items[1].verdict.result == DKIM_FAIL);
    }
    end(&signing);
}

TEST_VIRTUAL(fields_that_repeat_are_all_signed)
{
    struct signing signing;
    begin(&signing);
    struct str message = STR(FIELDS "List-Id: a\r\nList-Id: b\r\n\r\n" BODY), fields = STR_EMPTY;
    CHECK(sign(&signing, message, 1000, &fields) == OK);
    CHECK(str_search(fields, STR("List-Id:List-Id:List-Id:")) != SIZE_MAX ||
          str_search(fields, STR("List-Id:")) != SIZE_MAX);
    struct str changed = STR(FIELDS "List-Id: z\r\nList-Id: b\r\n\r\n" BODY);
    struct dkim_verified_list list =
        verify_all(signing.resolver, joined(&signing, fields, changed), 0, &signing.arena);
    CHECK_INT(list.items[0].verdict.result, DKIM_FAIL);
    end(&signing);
}

TEST(what_cannot_be_signed_is_told)
{
    struct signing signing;
    begin(&signing);
    struct str fields = STR("untouched");
    CHECK_INT(sign(&signing, STR("To: a@b\r\n\r\nHi\r\n"), 1000, &fields), ERR_SYNTAX);
    struct buf many = buf_make(1 << 20);
    for (int i = 0; i < 1500; i++)
        CHECK(buf_add(&many, STR("To: a@b\r\n")) == OK);
    CHECK(buf_add(&many, STR(FIELDS "\r\n")) == OK);
    CHECK_INT(sign(&signing, buf_str(&many), 1000, &fields), ERR_LIMIT);
    CHECK_STR(fields, STR("untouched"));
    buf_free(&many);
    end(&signing);
}

int main(void)
{
    RUN(rfc6376_5_both_algorithms_from_one_pass_and_both_verify);
    RUN(the_same_message_gives_the_same_fields_in_any_pieces);
    RUN(no_line_is_longer_than_78_columns);
    RUN(rfc6376_5_4_no_field_that_readers_see_can_be_added);
    RUN(fields_that_repeat_are_all_signed);
    RUN(what_cannot_be_signed_is_told);
    return test_summary();
}
