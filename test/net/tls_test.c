#include "net/tls.h"

#include "base/mem.h"
#include "certificate.h"
#include "net/network.h"
#include "net/stream_internal.h"
#include "on_loop.h"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what all tests share: an authority, and contexts made of it ---- */
#define HOST    "mx.example.test"
#define VALID_S 100000

struct fixture {
    struct arena arena;
    struct certificate authority;
    char ca_file[64];
};

static struct fixture fixture_new(void)
{
    struct fixture fixture = {.arena = arena_make(), .ca_file = "/tmp/tls_test_XXXXXX"};
    fixture.authority =
        certificate_make((struct certificate_wish){.is_ca = true, .expires_in_s = VALID_S});
    struct str pem = certificate_pem(&fixture.authority, &fixture.arena);
    int fd = mkstemp(fixture.ca_file);
    if (fd < 0 || write(fd, pem.at, pem.len) != (ssize_t)pem.len)
        abort();
    close(fd);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    unlink(fixture->ca_file);
    certificate_free(&fixture->authority);
    arena_reset(&fixture->arena);
}

static struct tls_context *server_of(struct fixture *fixture, const struct certificate *certificate,
                                     enum tls_minimum minimum)
{
    struct tls_context *context = NULL;
    struct str problem = STR_EMPTY;
    enum err err = tls_server_context_new(certificate_pem(certificate, &fixture->arena),
                                          certificate_key_pem(certificate, &fixture->arena),
                                          minimum, &fixture->arena, &context, &problem);
    CHECK_STR(problem, STR(""));
    CHECK_INT(err, OK);
    return context;
}

static struct tls_context *server_wishing(struct fixture *fixture, struct certificate_wish wish)
{
    struct certificate certificate = certificate_make(wish);
    struct tls_context *context = server_of(fixture, &certificate, TLS_MINIMUM_1_2);
    certificate_free(&certificate);
    return context;
}

static struct tls_context *client_of(struct fixture *fixture)
{
    struct tls_context *context = NULL;
    struct str problem = STR_EMPTY;
    CHECK_INT(tls_client_context_new(fixture->ca_file, &fixture->arena, &context, &problem), OK);
    return context;
}

static void socket_pair(struct stream **out_one, struct stream **out_other)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    *out_one = stream_from_socket(fds[0]);
    *out_other = stream_from_socket(fds[1]);
}

/* ---- a handshake with both ends here ---- */
struct accepting {
    struct fiber_group group;
    struct stream *stream;
    struct tls_context *context;
    enum err err;
};

static void accept_tls(void *argument)
{
    struct accepting *self = argument;
    self->err = stream_tls_accept(self->stream, self->context, soon());
    if (self->err == OK) {
        self->err = stream_write(self->stream, STR("220 ready\r\n"), soon());
        if (self->err == OK)
            self->err = stream_flush(self->stream, soon());
    }
}

static void start_accepting(struct accepting *self)
{
    fiber_group_init(&self->group, loop_current());
    fiber_spawn(&self->group, "server", accept_tls, self);
}

static enum err connect_tls(struct accepting *server, struct stream *near,
                            struct tls_context *client, const char *host, bool verify)
{
    start_accepting(server);
    enum err err = stream_tls_connect(near, client, str_of(host), verify, soon());
    if (err)
        stream_abort(near);
    CHECK_INT(fiber_group_join(&server->group, soon()), OK);
    return err;
}

static void expect_line(struct stream *stream, struct str want)
{
    struct str line = STR_EMPTY;
    bool crlf;
    CHECK_INT(stream_read_line(stream, 512, false, soon(), &line, &crlf), OK);
    CHECK_STR(line, want);
}

static void check_good_handshake(bool is_rsa, const char *host)
{
    struct fixture fixture = fixture_new();
    struct tls_context *client = client_of(&fixture);
    struct accepting server = {
        .context = server_wishing(&fixture, (struct certificate_wish){
                                                .names = "DNS:" HOST ",IP:127.0.0.1",
                                                .is_rsa = is_rsa,
                                                .expires_in_s = VALID_S,
                                                .issuer = &fixture.authority,
                                            })};
    struct stream *near;
    socket_pair(&near, &server.stream);
    CHECK_INT(connect_tls(&server, near, client, host, true), OK);
    CHECK_INT(server.err, OK);
    expect_line(near, STR("220 ready"));
    const struct tls_info *info = stream_tls(near);
    REQUIRE(info != NULL);
    CHECK_STR(str_of(info->version), STR("TLSv1.3"));
    CHECK(info->bits >= 128);
    CHECK(info->verified);
    CHECK(info->problem == NULL);
    CHECK(stream_tls(server.stream) && !stream_tls(server.stream)->verified);
    stream_close(server.stream);
    CHECK_INT(stream_fill(near, soon()), ERR_CLOSED);
    stream_close(near);
    tls_context_free(server.context);
    tls_context_free(client);
    fixture_free(&fixture);
}

TEST_SYSTEM(a_good_certificate_is_verified) { check_good_handshake(false, HOST); }
TEST_SYSTEM(an_rsa_certificate_is_verified) { check_good_handshake(true, HOST); }
TEST_SYSTEM(an_ip_literal_is_verified) { check_good_handshake(false, "127.0.0.1"); }

static const struct {
    const char *row;
    const char *host;
    const char *names;
    long expires_in_s;
    bool is_self_signed;
    const char *problem;
} bad_certificates[] = {
    {"an expired one", HOST, "DNS:" HOST, -10, false, "certificate has expired"},
    {"another name", HOST, "DNS:other.example.test", VALID_S, false, "hostname mismatch"},
    {"a name in the subject only", "test", NULL, VALID_S, false, "hostname mismatch"},
    {"a partial wildcard", HOST, "DNS:m*.example.test", VALID_S, false, "hostname mismatch"},
    {"another address", "127.0.0.2", "IP:127.0.0.1", VALID_S, false, "IP address mismatch"},
    {"self-signed", HOST, "DNS:" HOST, VALID_S, true, "self-signed certificate"},
};

static void check_bad_certificate(struct fixture *fixture, size_t i, bool verify)
{
    const char *row = bad_certificates[i].row;
    struct certificate_wish wish = {
        .names = bad_certificates[i].names,
        .expires_in_s = bad_certificates[i].expires_in_s,
        .issuer = bad_certificates[i].is_self_signed ? NULL : &fixture->authority,
    };
    struct accepting server = {.context = server_wishing(fixture, wish)};
    struct tls_context *client = client_of(fixture);
    struct stream *near;
    socket_pair(&near, &server.stream);
    start_accepting(&server);
    enum err err =
        stream_tls_connect(near, client, str_of(bad_certificates[i].host), verify, soon());
    CHECK_ROW(row, err == (verify ? ERR_TLS : OK));
    const struct tls_info *info = stream_tls(near);
    CHECK_ROW(row, info && !info->verified && info->problem &&
                       str_eq_nocase(str_of(info->problem), str_of(bad_certificates[i].problem)));
    if (!verify)
        expect_line(near, STR("220 ready"));
    else
        CHECK_ROW(row, stream_fill(near, soon()) == ERR_TLS);
    stream_close(near);
    CHECK_INT(fiber_group_join(&server.group, soon()), OK);
    stream_close(server.stream);
    tls_context_free(server.context);
    tls_context_free(client);
}

TEST_SYSTEM(a_bad_certificate_fails_when_asked_and_is_told_otherwise)
{
    struct fixture fixture = fixture_new();
    for (size_t i = 0; i < ARRAY_LEN(bad_certificates); i++) {
        check_bad_certificate(&fixture, i, true);
        check_bad_certificate(&fixture, i, false);
    }
    fixture_free(&fixture);
}

/* ---- the sandbox's certificate ---- */
static struct tls_context *self_signed_server(struct fixture *fixture)
{
    struct str certificate, key, problem;
    struct tls_context *context = NULL;
    CHECK_INT(tls_self_signed(STR(HOST), &fixture->arena, &certificate, &key), OK);
    CHECK_INT(tls_server_context_new(certificate, key, TLS_MINIMUM_1_2, &fixture->arena, &context,
                                     &problem),
              OK);
    return context;
}

TEST_SYSTEM(the_sandbox_certificate_works_and_is_not_verified)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {.context = self_signed_server(&fixture)};
    struct tls_context *client = client_of(&fixture);
    struct stream *near;
    socket_pair(&near, &server.stream);
    CHECK_INT(connect_tls(&server, near, client, "localhost", false), OK);
    CHECK(!stream_tls(near)->verified);
    expect_line(near, STR("220 ready"));
    stream_close(near);
    stream_close(server.stream);
    tls_context_free(server.context);
    tls_context_free(client);
    fixture_free(&fixture);
}

TEST(a_certificate_is_made_for_a_name_only)
{
    struct arena arena = arena_make();
    struct str certificate, key;
    CHECK_INT(tls_self_signed(STR(""), &arena, &certificate, &key), ERR_SYNTAX);
    CHECK_INT(tls_self_signed(str_make("a\0b", 3), &arena, &certificate, &key), ERR_SYNTAX);
    CHECK_INT(tls_self_signed(STR("b\xc3\xbc"
                                  "cher"),
                              &arena, &certificate, &key),
              ERR_SYNTAX);
    arena_reset(&arena);
}

TEST(bad_pem_is_explained)
{
    struct fixture fixture = fixture_new();
    struct certificate one = certificate_make((struct certificate_wish){.expires_in_s = VALID_S});
    struct certificate rsa =
        certificate_make((struct certificate_wish){.expires_in_s = VALID_S, .is_rsa = true});
    struct arena *arena = &fixture.arena;
    struct str pem = certificate_pem(&one, arena);
    struct str key = certificate_key_pem(&one, arena);
    struct str other_key = certificate_key_pem(&fixture.authority, arena);
    struct str rsa_key = certificate_key_pem(&rsa, arena);
    struct str damaged = arena_printf(
        arena, "%.*s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", STR_FMT(pem));
    const struct {
        const char *row;
        struct str certificate;
        struct str key;
        const char *says;
    } rows[] = {
        {"no certificate", STR_EMPTY, key, "no usable certificate"},
        {"a key for a certificate", key, key, "no usable certificate"},
        {"a damaged second certificate", damaged, key, "no usable certificate"},
        {"no key", pem, STR("rubbish"), "no usable private key"},
        {"another certificate's key", pem, other_key, "key values mismatch"},
        {"a key of another kind", pem, rsa_key, "does not belong"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_context *context = NULL;
        struct str problem = STR_EMPTY;
        enum err err = tls_server_context_new(rows[i].certificate, rows[i].key, TLS_MINIMUM_1_2,
                                              arena, &context, &problem);
        CHECK_ROW(rows[i].row, err == ERR_TLS && context == NULL);
        if (!test_check(str_search(problem, str_of(rows[i].says)) != SIZE_MAX, rows[i].row,
                        __FILE__, __LINE__))
            printf("# %.*s\n", STR_FMT(problem));
    }
    struct tls_context *context = NULL;
    struct str problem;
    CHECK_INT(tls_client_context_new("/nonexistent", arena, &context, &problem), ERR_TLS);
    certificate_free(&one);
    certificate_free(&rsa);
    fixture_free(&fixture);
}

TEST(the_systems_authorities_load)
{
    struct arena arena = arena_make();
    struct tls_context *context = NULL;
    struct str problem;
    CHECK_INT(tls_client_context_new(NULL, &arena, &context, &problem), OK);
    tls_context_free(context);
    arena_reset(&arena);
}

/* ---- hostile peers ---- */

/* What was said in clear behind STARTTLS must not appear inside TLS (RFC 3207 section 4.2). */
TEST_SYSTEM(data_behind_starttls_is_dropped)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {.context = self_signed_server(&fixture)};
    struct tls_context *client = client_of(&fixture);
    struct stream *near;
    socket_pair(&near, &server.stream);
    CHECK(stream_write(server.stream, STR("220 go\r\n250 injected\r\n"), soon()) == OK);
    CHECK(stream_flush(server.stream, soon()) == OK);
    expect_line(near, STR("220 go"));
    CHECK_STR(stream_input(near), STR("250 injected\r\n"));
    CHECK_INT(connect_tls(&server, near, client, HOST, false), OK);
    expect_line(near, STR("220 ready"));
    CHECK_STR(stream_input(near), STR(""));
    stream_close(near);
    stream_close(server.stream);
    tls_context_free(server.context);
    tls_context_free(client);
    fixture_free(&fixture);
}

/* A load balancer's header and its client's first words come in one piece. */
static void accept_behind_header(void *argument)
{
    struct accepting *self = argument;
    expect_line(self->stream, STR("HEADER"));
    while (stream_input(self->stream).len < 100)
        CHECK_INT(stream_fill(self->stream, soon()), OK);
    self->err = stream_tls_accept_first(self->stream, self->context, soon());
    CHECK_INT(stream_input(self->stream).len, 0);
    if (!self->err)
        self->err = stream_write(self->stream, STR("220 ready\r\n"), soon());
    if (!self->err)
        self->err = stream_flush(self->stream, soon());
}

TEST_SYSTEM(tls_that_comes_first_keeps_what_was_received)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {.context = self_signed_server(&fixture)};
    struct tls_context *client = client_of(&fixture);
    struct stream *near;
    socket_pair(&near, &server.stream);
    fiber_group_init(&server.group, loop_current());
    fiber_spawn(&server.group, "server", accept_behind_header, &server);
    CHECK_INT(stream_write(near, STR("HEADER\r\n"), soon()), OK);
    CHECK_INT(stream_tls_connect(near, client, STR(HOST), false, soon()), OK);
    expect_line(near, STR("220 ready"));
    CHECK_INT(fiber_group_join(&server.group, soon()), OK);
    CHECK_INT(server.err, OK);
    stream_close(near);
    stream_close(server.stream);
    tls_context_free(server.context);
    tls_context_free(client);
    fixture_free(&fixture);
}

static struct stream *adopt_raw(int *out_raw_fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    *out_raw_fd = fds[1];
    return stream_from_socket(fds[0]);
}

TEST_SYSTEM(plaintext_for_a_handshake_fails_without_an_answer_in_clear)
{
    struct fixture fixture = fixture_new();
    struct tls_context *context = self_signed_server(&fixture);
    int raw_fd;
    struct stream *stream = adopt_raw(&raw_fd);
    CHECK(write(raw_fd, "EHLO client\r\n", 13) == 13);
    CHECK_INT(stream_tls_accept(stream, context, soon()), ERR_TLS);
    CHECK(stream_tls(stream)->problem != NULL);
    CHECK_INT(stream_write(stream, STR("250 in clear\r\n"), soon()), ERR_TLS);
    stream_close(stream);
    char answer[64];
    ssize_t len = read(raw_fd, answer, sizeof answer);
    CHECK(len <= 7); /* at most an alert */
    close(raw_fd);
    tls_context_free(context);
    fixture_free(&fixture);
}

TEST_SYSTEM(a_silent_handshake_ends_at_its_deadline)
{
    struct fixture fixture = fixture_new();
    struct tls_context *context = self_signed_server(&fixture);
    int raw_fd;
    struct stream *stream = adopt_raw(&raw_fd);
    CHECK_INT(stream_tls_accept(stream, context, loop_now_ms() + 20), ERR_TIMEOUT);
    CHECK_STR(str_of(stream_tls(stream)->problem), STR("timed out"));
    stream_close(stream);
    close(raw_fd);
    tls_context_free(context);
    fixture_free(&fixture);
}

TEST_SYSTEM(a_peer_that_hangs_up_in_the_handshake_is_a_reset)
{
    struct fixture fixture = fixture_new();
    struct tls_context *context = self_signed_server(&fixture);
    int raw_fd;
    struct stream *stream = adopt_raw(&raw_fd);
    close(raw_fd);
    CHECK_INT(stream_tls_accept(stream, context, soon()), ERR_RESET);
    stream_close(stream);
    tls_context_free(context);
    fixture_free(&fixture);
}

/* A client of OpenSSL's own, which can do what ours never would. */
struct raw_client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

static struct raw_client raw_client_new(int fd)
{
    struct raw_client client = {.context = SSL_CTX_new(TLS_client_method()), .fd = fd};
    client.ssl = SSL_new(client.context);
    SSL_set_fd(client.ssl, fd);
    return client;
}

static void raw_client_free(struct raw_client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}

static void raw_client_connect(struct raw_client *client)
{
    for (int i = 0; i < 1000 && SSL_connect(client->ssl) != 1; i++)
        (void)!fiber_sleep_until(loop_now_ms() + 1);
    CHECK(SSL_is_init_finished(client->ssl));
}

static void with_raw_client(struct fixture *fixture, struct accepting *server,
                            struct raw_client *client)
{
    int raw_fd;
    server->context = self_signed_server(fixture);
    server->stream = adopt_raw(&raw_fd);
    *client = raw_client_new(raw_fd);
    start_accepting(server);
    raw_client_connect(client);
    CHECK_INT(fiber_group_join(&server->group, soon()), OK);
    CHECK_INT(server->err, OK);
}

static void without_raw_client(struct fixture *fixture, struct accepting *server,
                               struct raw_client *client)
{
    stream_close(server->stream);
    raw_client_free(client);
    tls_context_free(server->context);
    fixture_free(fixture);
}

TEST_SYSTEM(the_end_of_tls_is_the_end_and_nothing_is_read_in_clear_behind_it)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {0};
    struct raw_client client;
    with_raw_client(&fixture, &server, &client);
    CHECK(SSL_write(client.ssl, "BDAT 100\r\n", 10) == 10);
    CHECK(SSL_shutdown(client.ssl) == 0);
    CHECK(write(client.fd, "in clear\r\n", 10) == 10);
    expect_line(server.stream, STR("BDAT 100"));
    CHECK_INT(stream_fill(server.stream, soon()), ERR_CLOSED);
    CHECK_INT(stream_fill(server.stream, soon()), ERR_CLOSED);
    CHECK_STR(stream_input(server.stream), STR(""));
    without_raw_client(&fixture, &server, &client);
}

TEST_SYSTEM(an_end_without_farewell_is_a_reset)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {0};
    struct raw_client client;
    with_raw_client(&fixture, &server, &client);
    CHECK(SSL_write(client.ssl, "half", 4) == 4);
    shutdown(client.fd, SHUT_RDWR);
    CHECK_INT(stream_fill(server.stream, soon()), OK);
    CHECK_INT(stream_fill(server.stream, soon()), ERR_RESET);
    without_raw_client(&fixture, &server, &client);
}

TEST_SYSTEM(rubbish_in_the_record_layer_is_an_error)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {0};
    struct raw_client client;
    with_raw_client(&fixture, &server, &client);
    CHECK(write(client.fd, "QUIT in clear\r\n", 15) == 15);
    CHECK_INT(stream_fill(server.stream, soon()), ERR_TLS);
    CHECK_INT(stream_write(server.stream, STR("x"), soon()), OK);
    CHECK(stream_flush(server.stream, soon()) != OK);
    without_raw_client(&fixture, &server, &client);
}

TEST_SYSTEM(an_old_version_is_refused_where_a_newer_is_the_minimum)
{
    struct fixture fixture = fixture_new();
    struct certificate certificate =
        certificate_make((struct certificate_wish){.expires_in_s = VALID_S});
    struct accepting server = {.context = server_of(&fixture, &certificate, TLS_MINIMUM_1_3)};
    int raw_fd;
    server.stream = adopt_raw(&raw_fd);
    struct raw_client client = raw_client_new(raw_fd);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    CHECK(SSL_connect(client.ssl) == -1);
    start_accepting(&server);
    CHECK_INT(fiber_group_join(&server.group, soon()), OK);
    CHECK_INT(server.err, ERR_TLS);
    CHECK_STR(str_of(stream_tls(server.stream)->problem), STR("unsupported protocol"));
    certificate_free(&certificate);
    without_raw_client(&fixture, &server, &client);
}

/* ---- load, over sockets and in memory with pieces ---- */
#define LOAD_BYTES (300 * 1000)

static char pattern(size_t i) { return (char)(i * 31 + i / 251); }

static void send_load(void *argument)
{
    struct stream *stream = argument;
    char *bytes = mem_alloc(LOAD_BYTES);
    for (size_t i = 0; i < LOAD_BYTES; i++)
        bytes[i] = pattern(i);
    for (size_t at = 0, piece = 1; at < LOAD_BYTES; at += piece, piece = piece % 40000 * 3 + 1)
        CHECK(stream_write(stream, str_first(str_make(bytes + at, LOAD_BYTES - at), piece),
                           soon()) == OK);
    CHECK(stream_flush(stream, soon()) == OK);
    stream_close(stream);
    mem_free(bytes);
}

static void receive_load(struct stream *stream)
{
    size_t seen = 0;
    size_t wrong = 0;
    enum err err;
    while ((err = stream_fill(stream, soon())) == OK) {
        struct str input = stream_input(stream);
        for (size_t i = 0; i < input.len; i++)
            wrong += input.at[i] != pattern(seen + i);
        seen += input.len;
        stream_consume(stream, input.len);
    }
    CHECK_INT(err, ERR_CLOSED);
    CHECK_INT(seen, LOAD_BYTES);
    CHECK_INT(wrong, 0);
}

static void carry_load(struct stream *near, struct stream *far)
{
    struct fixture fixture = fixture_new();
    struct accepting server = {.context = self_signed_server(&fixture), .stream = far};
    struct tls_context *client = client_of(&fixture);
    CHECK_INT(connect_tls(&server, near, client, HOST, false), OK);
    expect_line(near, STR("220 ready"));
    fiber_spawn(&server.group, "sender", send_load, server.stream);
    receive_load(near);
    CHECK_INT(fiber_group_join(&server.group, soon()), OK);
    stream_close(near);
    tls_context_free(server.context);
    tls_context_free(client);
    fixture_free(&fixture);
}

TEST_SYSTEM(a_large_load_arrives_unchanged)
{
    struct stream *near, *far;
    socket_pair(&near, &far);
    carry_load(near, far);
}

TEST_VIRTUAL(a_large_load_arrives_unchanged_in_pieces)
{
    struct random random = random_seeded(1);
    struct network *network = network_memory_new(&random);
    struct network_faults faults = {
        .piece_max_bytes = 700, .delay_max_ms = 2, .break_after_bytes = UINT64_MAX};
    network_memory_set_faults(network, faults);
    struct net_address at;
    CHECK(net_address_parse(STR("192.0.2.1:25"), 0, &at) == OK);
    struct listener *listener;
    struct stream *near, *far;
    REQUIRE(listener_open_memory(network, &at, &listener) == OK);
    REQUIRE(network_connect(network, &at, NULL, soon(), &near) == OK);
    REQUIRE(listener_accept(listener, soon(), &far) == OK);
    carry_load(near, far);
    listener_close(listener);
    network_memory_free(network);
}

/* ---- the simulation's TLS ---- */
TEST_VIRTUAL(simulated_tls_passes_bytes_through_behind_a_marker)
{
    struct accepting server = {.context = tls_context_simulated()};
    struct stream *near;
    stream_pair(&near, &server.stream);
    CHECK_INT(connect_tls(&server, near, tls_context_simulated(), HOST, true), OK);
    CHECK_INT(server.err, OK);
    expect_line(near, STR("220 ready"));
    CHECK(stream_tls(near)->verified);
    stream_close(near);
    stream_close(server.stream);
}

TEST_VIRTUAL(simulated_tls_refuses_plaintext)
{
    struct stream *near, *far;
    stream_pair(&near, &far);
    CHECK(stream_write(near, STR("EHLO"), soon()) == OK);
    CHECK(stream_flush(near, soon()) == OK);
    CHECK_INT(stream_tls_accept(far, tls_context_simulated(), soon()), ERR_TLS);
    stream_close(near);
    stream_close(far);
}

int main(void)
{
    RUN(a_good_certificate_is_verified);
    RUN(an_rsa_certificate_is_verified);
    RUN(an_ip_literal_is_verified);
    RUN(a_bad_certificate_fails_when_asked_and_is_told_otherwise);
    RUN(the_sandbox_certificate_works_and_is_not_verified);
    RUN(a_certificate_is_made_for_a_name_only);
    RUN(bad_pem_is_explained);
    RUN(the_systems_authorities_load);
    RUN(data_behind_starttls_is_dropped);
    RUN(tls_that_comes_first_keeps_what_was_received);
    RUN(plaintext_for_a_handshake_fails_without_an_answer_in_clear);
    RUN(a_silent_handshake_ends_at_its_deadline);
    RUN(a_peer_that_hangs_up_in_the_handshake_is_a_reset);
    RUN(the_end_of_tls_is_the_end_and_nothing_is_read_in_clear_behind_it);
    RUN(an_end_without_farewell_is_a_reset);
    RUN(rubbish_in_the_record_layer_is_an_error);
    RUN(an_old_version_is_refused_where_a_newer_is_the_minimum);
    RUN(a_large_load_arrives_unchanged);
    RUN(a_large_load_arrives_unchanged_in_pieces);
    RUN(simulated_tls_passes_bytes_through_behind_a_marker);
    RUN(simulated_tls_refuses_plaintext);
    return test_summary();
}
