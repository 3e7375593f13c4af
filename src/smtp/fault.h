/* What is wrong with a client's line, as the reply it earns. */
#ifndef SMTP_FAULT_H
#define SMTP_FAULT_H

#include "mail/status.h"

struct smtp_fault {
    int code;
    struct mail_status status;
    const char *text;   /* static, one line */
    struct str subject; /* printable ASCII, from the line: the parameter that is meant; or empty */
};

#endif
