/* Enhanced status codes, RFC 3463: class.subject.detail, such as 5.1.1. */
#ifndef MAIL_STATUS_H
#define MAIL_STATUS_H

#include "base/buf.h"

struct mail_status {
    uint8_t class; /* 2, 4 or 5; 0: there is none */
    uint16_t subject;
    uint16_t detail;
};

#define MAIL_STATUS(class, subject, detail) ((struct mail_status){(class), (subject), (detail)})
#define MAIL_STATUS_NONE                    MAIL_STATUS(0, 0, 0)
#define MAIL_STATUS_MAX_BYTES               9 /* "5.999.999" */

static inline bool mail_status_is_set(struct mail_status status) { return status.class != 0; }

static inline bool mail_status_eq(struct mail_status a, struct mail_status b)
{
    return a.class == b.class && a.subject == b.subject && a.detail == b.detail;
}

/* Reads the code that `text` begins with; behind it stands the end or white space. ERR_SYNTAX when
 * there is none: a class other than 2, 4, 5, a leading zero, more than three digits. */
MUST_CHECK enum err mail_status_parse(struct str text, struct mail_status *out_status,
                                      size_t *out_used);

/* Adds "5.1.1"; the status is set. ERR_LIMIT as buf_add. */
MUST_CHECK enum err mail_status_print(struct buf *buf, struct mail_status status);

#endif
