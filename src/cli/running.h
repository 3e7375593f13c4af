/* How commands find and ask a running server: by -c FILE or --dir DIR; else by
 * /etc/postrider/postrider.conf if that exists; else by the sandbox's default directory. Never from
 * one to the other when the first does not answer. */
#ifndef CLI_RUNNING_H
#define CLI_RUNNING_H

#include "base/arena.h"

#include <jansson.h>

#define CLI_DEFAULT_CONFIG "/etc/postrider/postrider.conf"

/* $XDG_STATE_HOME/postrider/sandbox, or below ~/.local/state. */
struct str running_sandbox_directory(struct arena *arena);

/* The state directory of the server that is meant. Either may be NULL. False: printed why. */
bool running_find(const char *command, const char *config_file, const char *directory,
                  struct arena *arena, struct str *out_state);

/* The submit socket of the server that is meant: that of /run if none was named and it is there. */
bool running_find_submit(const char *command, const char *config_file, const char *directory,
                         struct arena *arena, struct str *out_path);
/* A connected socket. -1: printed why; *out_status is the exit status. */
int running_connect(const char *command, struct str path, int *out_status);

/* Asks the server of `state` and gives its answer, a JSON object with "ok": true, to be freed with
 * json_decref. NULL: printed why; *out_status is the exit status. Takes `request`. */
json_t *running_ask(const char *command, struct str state, json_t *request, int *out_status);

#endif
