#include "base/err.h"

#include <errno.h>

static const char *const texts[] = {
    [OK] = "no error",
    [ERR_MORE] = "more input is needed",
    [ERR_SYNTAX] = "syntax error",
    [ERR_LIMIT] = "limit reached",
    [ERR_TIMEOUT] = "timed out",
    [ERR_CANCELLED] = "cancelled",
    [ERR_STOPPING] = "the server is stopping",
    [ERR_CLOSED] = "connection closed",
    [ERR_IO] = "input/output error",
    [ERR_RESET] = "connection lost",
    [ERR_REFUSED] = "connection refused",
    [ERR_UNREACHABLE] = "host unreachable",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "already exists",
    [ERR_DENIED] = "permission denied",
    [ERR_BUSY] = "busy",
    [ERR_FULL] = "no space left on the disk",
    [ERR_CORRUPT] = "damaged data",
    [ERR_TLS] = "TLS failure",
    [ERR_UNSUPPORTED] = "not supported",
};

const char *err_text(enum err err)
{
    assert((size_t)err < ARRAY_LEN(texts));
    return texts[err];
}

enum err err_from_errno(int system_errno)
{
    switch (system_errno) {
    case 0:
        return OK;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return ERR_BUSY;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return ERR_RESET;
    case ECONNREFUSED:
        return ERR_REFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return ERR_UNREACHABLE;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}
