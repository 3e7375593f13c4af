#include "cli/explain.h"

struct meaning {
    const char *begins;
    const char *words;
};

static const struct meaning commands[] = {
    {"EHLO", "we introduce ourselves and ask what the server can do"},
    {"HELO", "we introduce ourselves in the old way"},
    {"STARTTLS", "we ask to encrypt the rest of the conversation"},
    {"AUTH", "we log in; what follows is not shown"},
    {"MAIL", "the envelope's sender: where a bounce would go"},
    {"RCPT", "one recipient of the envelope"},
    {"DATA", "the message itself follows, to a line with one dot"},
    {"BDAT", "the message itself follows, so many bytes"},
    {"RSET", "we give this transaction up"},
    {"QUIT", "we are done"},
    {".", "the message ends here: now the server decides"},
};

static const struct meaning offers[] = {
    {"PIPELINING", "we may send several commands without waiting for each answer"},
    {"SIZE", "the largest message it takes, in bytes"},
    {"8BITMIME", "text with bytes above 127 may be sent as it is"},
    {"SMTPUTF8", "addresses may hold letters of all languages"},
    {"ENHANCEDSTATUSCODES", "its replies carry a second, finer code"},
    {"CHUNKING", "messages may be sent in counted pieces (BDAT)"},
    {"STARTTLS", "it can encrypt"},
    {"AUTH", "the ways to log in"},
    {"DSN", "it can be told when to report on delivery"},
    {"LIMITS", "how much it takes in one go"},
    {"REQUIRETLS", "a message may demand encryption all the way"},
};

static const struct meaning replies[] = {
    {"220", "the server is there and ready"},
    {"221", "the server says goodbye"},
    {"235", "the login was right"},
    {"250", "accepted"},
    {"251", "accepted, and will be forwarded"},
    {"252", "it does not say whether that address exists, but would try"},
    {"334", "it wants the next part of the login"},
    {"354", "it is ready for the message"},
    {"421", "it ends the conversation: try again later"},
    {"450", "not now: the mailbox is busy, or the server is careful with strangers; try later"},
    {"451", "not now: something failed on its side; try later"},
    {"452", "not now: it lacks space, or that were too many recipients at once"},
    {"454", "not now: TLS or the login does not work at the moment"},
    {"500", "it did not understand the command"},
    {"501", "it did not understand the command's arguments"},
    {"502", "it does not do that"},
    {"503", "that command does not belong here"},
    {"504", "it does not know that argument"},
    {"521", "this host takes no mail at all"},
    {"530", "it wants a login, or encryption, first"},
    {"535", "the login was wrong"},
    {"538", "that login needs encryption first"},
    {"550", "refused for good: no such mailbox, or not allowed"},
    {"552", "refused for good: too big, or the mailbox is full"},
    {"553", "refused for good: that address is not allowed"},
    {"554", "refused for good"},
    {"555", "it does not know that parameter"},
};

static const char *find(const struct meaning *meanings, size_t count, struct str line)
{
    for (size_t i = 0; i < count; i++)
        if (str_starts_nocase(line, str_of(meanings[i].begins)))
            return meanings[i].words;
    return NULL;
}

/* Within the answer to EHLO every line but the first is an offer. */
static const char *explain_reply(struct str line)
{
    if (line.len > 4 && str_starts(line, STR("250"))) {
        const char *offer = find(offers, ARRAY_LEN(offers), str_from(line, 4));
        if (offer)
            return offer;
    }
    return find(replies, ARRAY_LEN(replies), line);
}

struct str explain_line(struct arena *arena, bool from_server, struct str line)
{
    const char *words =
        from_server ? explain_reply(line) : find(commands, ARRAY_LEN(commands), line);
    return words ? arena_copy(arena, str_of(words)) : STR_EMPTY;
}
