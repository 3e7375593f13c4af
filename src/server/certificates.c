#include "server/certificates.h"

#include "base/log.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARCEL_MAX_BYTES ((size_t)256 << 20)

/* ---- contexts ---- */

static enum err report(enum err err, struct str file, struct str problem)
{
    if (err)
        log_event(LOG_ERROR, "server", "certificate %.*s: %.*s", STR_FMT(file), STR_FMT(problem));
    return err;
}

static enum err add_also(struct tls_context *context, const struct config_certificate *pair)
{
    struct arena arena = arena_make();
    struct str problem = STR_EMPTY;
    enum err err =
        tls_server_context_add(context, pair->certificate_pem, pair->key_pem, &arena, &problem);
    report(err, pair->certificate_file, problem);
    arena_reset(&arena);
    return err;
}

static enum err make_server(const struct config_tls *tls, struct tls_context **out_context)
{
    struct arena arena = arena_make();
    struct str problem = STR_EMPTY;
    struct tls_context *context = NULL;
    enum err err = tls_server_context_new(tls->first.certificate_pem, tls->first.key_pem,
                                          tls->minimum, &arena, &context, &problem);
    report(err, tls->first.certificate_file, problem);
    arena_reset(&arena);
    for (size_t i = 0; i < tls->also_count && !err; i++)
        err = add_also(context, &tls->also[i].certificate);
    if (err)
        tls_context_free(context);
    else
        *out_context = context;
    return err;
}

static enum err make_client(const struct config_certificate *pair, const struct tls_context *like,
                            struct tls_context **out_context)
{
    struct arena arena = arena_make();
    struct str problem = STR_EMPTY;
    enum err err = tls_client_context_with(like, pair->certificate_pem, pair->key_pem, &arena,
                                           out_context, &problem);
    report(err, pair->certificate_file, problem);
    arena_reset(&arena);
    return err;
}

static enum err make_plain_client(struct tls_context **out_context)
{
    struct arena arena = arena_make();
    struct str problem = STR_EMPTY;
    enum err err = tls_client_context_new(NULL, &arena, out_context, &problem);
    if (err)
        log_event(LOG_ERROR, "server", "TLS: %.*s", STR_FMT(problem));
    arena_reset(&arena);
    return err;
}

enum err certificates_make(struct config *config, struct certificates *out_certificates)
{
    struct certificates made = {.arena = arena_make()};
    enum err err = make_plain_client(&made.client);
    if (!err && config->tls.first.certificate_pem.len)
        err = make_server(&config->tls, &made.server);
    for (size_t i = 0; i < config->route_count && !err; i++) {
        struct config_route *route = &config->routes[i];
        if (route->client.certificate_pem.len)
            err = make_client(&route->client, made.client, &route->way.tls_context);
    }
    *out_certificates = made;
    return err;
}

void certificates_free(struct config *config, struct certificates *certificates)
{
    for (size_t i = 0; i < config->route_count; i++)
        tls_context_free(config->routes[i].way.tls_context);
    tls_context_free(certificates->server);
    tls_context_free(certificates->client);
    arena_reset(&certificates->arena);
}

/* Whatever cannot be made, which the parent has tried before, stays as it was. */
static void renew(const struct config *config, struct certificates *certificates)
{
    struct tls_context *new;
    if (certificates->server && make_server(&config->tls, &new) == OK)
        tls_context_replace(certificates->server, new);
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        if (route->way.tls_context && make_client(&route->client, certificates->client, &new) == OK)
            tls_context_replace(route->way.tls_context, new);
    }
    log_event(LOG_INFO, "server", "new certificates are in use");
}

/* ---- the parcel: each text with its length before it ---- */

static enum err pack_text(struct buf *parcel, struct str text)
{
    uint64_t len = text.len;
    enum err err = buf_add(parcel, str_make((const char *)&len, sizeof len));
    return err ? err : buf_add(parcel, text);
}

static enum err pack(const struct config_certificates *all, struct buf *parcel)
{
    enum err err = OK;
    for (size_t i = 0; i < all->count && !err; i++) {
        err = pack_text(parcel, all->at[i]->certificate_pem);
        if (!err)
            err = pack_text(parcel, all->at[i]->key_pem);
    }
    return err;
}

static enum err unpack_text(struct str *parcel, struct str *out_text)
{
    uint64_t len;
    if (parcel->len < sizeof len)
        return ERR_CORRUPT;
    memcpy(&len, parcel->at, sizeof len);
    struct str rest = str_from(*parcel, sizeof len);
    if (len > rest.len)
        return ERR_CORRUPT;
    *out_text = str_first(rest, len);
    *parcel = str_from(rest, len);
    return OK;
}

static enum err unpack(struct str parcel, const struct config_certificates *all)
{
    enum err err = OK;
    for (size_t i = 0; i < all->count && !err; i++) {
        err = unpack_text(&parcel, &all->at[i]->certificate_pem);
        if (!err)
            err = unpack_text(&parcel, &all->at[i]->key_pem);
    }
    return err || parcel.len == 0 ? err : ERR_CORRUPT;
}

/* ---- descriptors through a socket ---- */

union control { /* room for one descriptor, as cmsg(3) wants it aligned */
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static enum err send_descriptor(int socket_fd, int fd)
{
    char byte = 'c';
    union control control = {.bytes = {0}};
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &one,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ssize_t sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == 1 ? OK : err_from_errno(errno);
}

static enum err receive_descriptor(int socket_fd, int *out_fd)
{
    char byte;
    union control control;
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &one,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0)
        return got == 0 ? ERR_CLOSED : errno == EAGAIN ? ERR_BUSY : err_from_errno(errno);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS)
        return ERR_CORRUPT;
    memcpy(out_fd, CMSG_DATA(header), sizeof *out_fd);
    return OK;
}

/* ---- the journey ---- */

static enum err write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno != EINTR)
            return err_from_errno(errno);
        bytes = str_from(bytes, written < 0 ? 0 : (size_t)written);
    }
    return OK;
}

static enum err send_parcel(struct str parcel, int socket_fd)
{
    int fd = memfd_create("certificates", MFD_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = write_all(fd, parcel);
    if (!err)
        err = send_descriptor(socket_fd, fd);
    close(fd);
    return err;
}

void certificates_send(struct config *config, int socket_fd)
{
    struct arena arena = arena_make();
    struct buf parcel = buf_make(PARCEL_MAX_BYTES);
    struct config_certificates all = config_certificates(config, &arena);
    enum err err = pack(&all, &parcel);
    if (!err)
        err = send_parcel(buf_str(&parcel), socket_fd);
    if (err)
        log_event(LOG_ERROR, "server", "new certificates do not reach the engine: %s",
                  err_text(err));
    buf_free(&parcel);
    arena_reset(&arena);
}

static enum err read_parcel(int fd, struct arena *arena, struct str *out_parcel)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_from_errno(errno);
    size_t size = (size_t)status.st_size, done = 0;
    if (size > PARCEL_MAX_BYTES)
        return ERR_LIMIT;
    char *bytes = arena_alloc(arena, size);
    while (done < size) {
        ssize_t got = pread(fd, bytes + done, size - done, (off_t)done);
        if (got <= 0)
            return got == 0 ? ERR_CORRUPT : err_from_errno(errno);
        done += (size_t)got;
    }
    *out_parcel = str_make(bytes, size);
    return OK;
}

static enum err open_parcel(struct config *config, int fd, struct arena *arena)
{
    struct str parcel = STR_EMPTY;
    struct config_certificates all = config_certificates(config, arena);
    enum err err = read_parcel(fd, arena, &parcel);
    return err ? err : unpack(parcel, &all);
}

enum err certificates_receive(struct config *config, struct certificates *certificates,
                              int socket_fd)
{
    int fd = -1;
    enum err err = receive_descriptor(socket_fd, &fd);
    if (err)
        return err;
    struct arena arena = arena_make();
    err = open_parcel(config, fd, &arena);
    close(fd);
    arena_reset(&certificates->arena); /* of the last parcel, which nothing points to any more */
    certificates->arena = arena;
    if (!err)
        renew(config, certificates);
    return err;
}
