/* The one error type. A function that can fail because of its input or the world returns
 * `enum err`; an answer of "no" is a value, never an error; a bug is an assert. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/defs.h"

enum err {
    OK = 0,
    ERR_MORE,      /* the input ends within the thing being read */
    ERR_SYNTAX,    /* the input is not what the grammar allows */
    ERR_LIMIT,     /* a bound on something that a peer can make grow was reached */
    ERR_TIMEOUT,   /* the deadline passed */
    ERR_CANCELLED, /* the fiber was told to end */
    ERR_STOPPING,  /* the server is draining: finish at this boundary */
    ERR_CLOSED,    /* the other side ended the stream in order */
    ERR_IO,        /* the system refused a read or write; the stream or file is not to be trusted */
    ERR_RESET,     /* the other side broke the connection */
    ERR_REFUSED,   /* nobody listens there */
    ERR_UNREACHABLE, /* no way to that address */
    ERR_NOT_FOUND,
    ERR_EXISTS,
    ERR_DENIED,  /* permission */
    ERR_BUSY,    /* a bounded resource is in use: try again later */
    ERR_FULL,    /* no space on the disk */
    ERR_CORRUPT, /* data of our own on disk that does not prove itself */
    ERR_TLS,     /* the TLS handshake or record layer failed */
    ERR_UNSUPPORTED,
};

/* The name of an error in plain words, for logs and traces: "timed out". Never NULL. */
const char *err_text(enum err err);

/* The error that stands for an errno value of a system call on a socket or file. */
enum err err_from_errno(int system_errno);

#endif
