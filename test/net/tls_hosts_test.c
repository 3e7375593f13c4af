/* Which certificate goes to whom: servers' by the host that is asked for, clients' of their own;
 * and how new ones take the place of old ones. The handshakes are in memory. */
#include "certificate.h"
#include "net/tls_internal.h"
#include "test.h"

#define VALID_S 100000

/* ---- a handshake with both ends here ---- */

static void begin_handshake(SSL *client, SSL *server)
{
    BIO *near, *far;
    certificate_must(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
    SSL_set_bio(client, near, near);
    SSL_set_bio(server, far, far);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
}

static bool shake_hands(SSL *client, SSL *server)
{
    int client_done = 0, server_done = 0;
    for (int turn = 0; turn < 20 && (client_done != 1 || server_done != 1); turn++) {
        client_done = SSL_do_handshake(client);
        server_done = SSL_do_handshake(server);
    }
    return client_done == 1 && server_done == 1;
}

static SSL *client_asking(SSL_CTX *context, const char *host)
{
    SSL *client = SSL_new(context);
    certificate_must(client && (!host || SSL_set_tlsext_host_name(client, host) == 1));
    return client;
}

/* What a client gets that asks for the host, or for none, and can verify these signatures. */
static X509 *served(struct tls_context *context, const char *host, const char *signatures)
{
    SSL_CTX *settings = SSL_CTX_new(TLS_client_method());
    certificate_must(settings &&
                     (!signatures || SSL_CTX_set1_sigalgs_list(settings, signatures) == 1));
    SSL *client = client_asking(settings, host), *server = tls_context_begin(context);
    begin_handshake(client, server);
    X509 *got = shake_hands(client, server) ? SSL_get1_peer_certificate(client) : NULL;
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(settings);
    return got;
}

static void check_served(const char *row, struct tls_context *context, const char *host,
                         const char *signatures, const struct certificate *want)
{
    X509 *got = served(context, host, signatures);
    CHECK_ROW(row, got && X509_cmp(got, want->x509) == 0);
    X509_free(got);
}

static struct certificate make(const char *names, bool is_rsa)
{
    return certificate_make(
        (struct certificate_wish){.names = names, .is_rsa = is_rsa, .expires_in_s = VALID_S});
}

static struct tls_context *server_of(struct arena *arena, const struct certificate *certificate)
{
    struct tls_context *context = NULL;
    struct str problem;
    CHECK_INT(tls_server_context_new(certificate_pem(certificate, arena),
                                     certificate_key_pem(certificate, arena), TLS_MINIMUM_1_2,
                                     arena, &context, &problem),
              OK);
    return context;
}

static void add(struct arena *arena, struct tls_context *context,
                const struct certificate *certificate)
{
    struct str problem = STR_EMPTY;
    CHECK_INT(tls_server_context_add(context, certificate_pem(certificate, arena),
                                     certificate_key_pem(certificate, arena), arena, &problem),
              OK);
    CHECK_STR(problem, STR(""));
}

/* ---- servers ---- */

TEST(a_client_gets_the_certificate_of_the_host_it_asks_for)
{
    struct arena arena = arena_make();
    struct certificate first = make("DNS:mx.example.test,DNS:shared.example.test", false);
    struct certificate exact = make("DNS:Mail.Other.test,DNS:shared.example.test", false);
    struct certificate wild = make("DNS:*.other.test", false);
    struct tls_context *context = server_of(&arena, &first);
    add(&arena, context, &wild);
    add(&arena, context, &exact);
    const struct {
        const char *row, *host;
        const struct certificate *want;
    } rows[] = {
        {"none", NULL, &first},
        {"the first one's", "mx.example.test", &first},
        {"another's", "mail.other.test", &exact},
        {"in another case", "MAIL.other.TEST", &exact},
        {"by a wildcard", "smtp.other.test", &wild},
        {"a wildcard stands for one label", "a.b.other.test", &first},
        {"a wildcard stands for a label", "other.test", &first},
        {"one that two have is the first one's", "shared.example.test", &first},
        {"nobody's", "nobody.test", &first},
        {"no host at all", "*", &first},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_served(rows[i].row, context, rows[i].host, NULL, rows[i].want);
    tls_context_free(context);
    certificate_free(&first);
    certificate_free(&exact);
    certificate_free(&wild);
    arena_reset(&arena);
}

TEST(certificates_with_keys_of_two_kinds_are_offered_together)
{
    struct arena arena = arena_make();
    struct certificate first = make("DNS:mx.example.test", false);
    struct certificate first_rsa = make("DNS:mx.example.test", true);
    struct certificate other = make("DNS:a.other.test,DNS:b.other.test", true);
    struct certificate other_ec = make("DNS:b.other.test,DNS:a.other.test", false);
    struct tls_context *context = server_of(&arena, &first);
    add(&arena, context, &first_rsa);
    add(&arena, context, &other);
    add(&arena, context, &other_ec);
    const char *rsa = "RSA-PSS+SHA256:RSA+SHA256", *ec = "ECDSA+SHA256";
    check_served("the first, RSA", context, "mx.example.test", rsa, &first_rsa);
    check_served("the first, EC", context, "mx.example.test", ec, &first);
    check_served("without a name, RSA", context, NULL, rsa, &first_rsa);
    check_served("another, RSA", context, "a.other.test", rsa, &other);
    check_served("another, EC", context, "b.other.test", ec, &other_ec);
    tls_context_free(context);
    certificate_free(&first);
    certificate_free(&first_rsa);
    certificate_free(&other);
    certificate_free(&other_ec);
    arena_reset(&arena);
}

TEST(a_further_certificate_must_name_a_host)
{
    struct arena arena = arena_make();
    struct certificate first = make("DNS:mx.example.test", false);
    struct certificate nameless = make("IP:127.0.0.1", false);
    struct tls_context *context = server_of(&arena, &first);
    struct str problem = STR_EMPTY;
    CHECK_INT(tls_server_context_add(context, certificate_pem(&nameless, &arena),
                                     certificate_key_pem(&nameless, &arena), &arena, &problem),
              ERR_TLS);
    CHECK(str_search(problem, STR("names no host")) != SIZE_MAX);
    CHECK_INT(tls_server_context_add(context, certificate_pem(&nameless, &arena),
                                     certificate_key_pem(&first, &arena), &arena, &problem),
              ERR_TLS);
    check_served("all is as it was", context, "mx.example.test", NULL, &first);
    tls_context_free(context);
    certificate_free(&first);
    certificate_free(&nameless);
    arena_reset(&arena);
}

TEST(new_certificates_are_for_new_connections)
{
    struct arena arena = arena_make();
    struct certificate old = make("DNS:mx.example.test", false);
    struct certificate old_other = make("DNS:other.test", false);
    struct certificate new = make("DNS:mx.example.test", false);
    struct tls_context *context = server_of(&arena, &old);
    add(&arena, context, &old_other);
    SSL_CTX *settings = SSL_CTX_new(TLS_client_method());
    SSL *client = client_asking(settings, "other.test"), *server = tls_context_begin(context);
    begin_handshake(client, server);

    tls_context_replace(context, server_of(&arena, &new));
    check_served("a new connection", context, "mx.example.test", NULL, &new);
    check_served("what is not there any more", context, "other.test", NULL, &new);
    CHECK(shake_hands(client, server));
    X509 *got = SSL_get1_peer_certificate(client);
    CHECK(got && X509_cmp(got, old_other.x509) == 0);

    X509_free(got);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(settings);
    tls_context_free(context);
    certificate_free(&old);
    certificate_free(&old_other);
    certificate_free(&new);
    arena_reset(&arena);
}

/* ---- clients ---- */

static int take_any(int ok, X509_STORE_CTX *store)
{
    UNUSED(ok), UNUSED(store);
    return 1;
}

static void check_offered(const char *row, struct tls_context *context,
                          const struct certificate *server_certificate,
                          const struct certificate *want)
{
    SSL_CTX *settings = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(settings, server_certificate->x509);
    SSL_CTX_use_PrivateKey(settings, server_certificate->key);
    SSL_CTX_set_verify(settings, SSL_VERIFY_PEER, take_any);
    SSL *client = tls_context_begin(context), *server = SSL_new(settings);
    begin_handshake(client, server);
    CHECK_ROW(row, shake_hands(client, server));
    X509 *got = SSL_get1_peer_certificate(server);
    CHECK_ROW(row, want ? got && X509_cmp(got, want->x509) == 0 : !got);
    X509_free(got);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(settings);
}

TEST(a_client_offers_its_certificate_to_who_asks)
{
    struct arena arena = arena_make();
    struct certificate server = make("DNS:mx.example.test", false);
    struct certificate own = make("DNS:client.test", true);
    struct tls_context *plain = NULL, *context = NULL;
    struct str problem;
    CHECK_INT(tls_client_context_new(NULL, &arena, &plain, &problem), OK);
    CHECK_INT(tls_client_context_with(plain, certificate_pem(&own, &arena),
                                      certificate_key_pem(&own, &arena), &arena, &context,
                                      &problem),
              OK);
    check_offered("its own", context, &server, &own);
    check_offered("none", plain, &server, NULL);
    struct tls_context *wrong = NULL;
    CHECK_INT(tls_client_context_with(plain, certificate_pem(&own, &arena),
                                      certificate_key_pem(&server, &arena), &arena, &wrong,
                                      &problem),
              ERR_TLS);
    CHECK(wrong == NULL && problem.len > 0);
    tls_context_free(plain);
    tls_context_free(context);
    certificate_free(&server);
    certificate_free(&own);
    arena_reset(&arena);
}

int main(void)
{
    RUN(a_client_gets_the_certificate_of_the_host_it_asks_for);
    RUN(certificates_with_keys_of_two_kinds_are_offered_together);
    RUN(a_further_certificate_must_name_a_host);
    RUN(new_certificates_are_for_new_connections);
    RUN(a_client_offers_its_certificate_to_who_asks);
    return test_summary();
}
