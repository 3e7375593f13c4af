/* The queue, printed in the form that scripts expect of `mailq`. */
#ifndef CLI_MAILQ_H
#define CLI_MAILQ_H

#include "base/str.h"

/* Asks the server of `state` and prints all its queue. Returns one of <sysexits.h>. */
int mailq_print(struct str state);

#endif
