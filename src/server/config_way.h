/* `via` and `deliver`: how mail leaves, as one writes it. Pure. */
#ifndef SERVER_CONFIG_WAY_H
#define SERVER_CONFIG_WAY_H

#include "route/route.h"

/* "maildir:/path/%{domain}/%{user}", "lmtp:unix:/path", "lmtp:HOST[:PORT]", "smtp:HOST[:PORT]",
 * "mx", "hold". NULL when `text` is one of them; then *out_way lives in `arena` and as long as
 * `text`; its `tls` is what is right when nobody says. Else what is wrong and what to do, to stand
 * behind the text: "is not …". */
const char *config_way_parse(struct str text, struct arena *arena, struct route_way *out_way);

#endif
