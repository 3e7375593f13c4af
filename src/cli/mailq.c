#include "cli/mailq.h"

#include "cli/running.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define PAGE 1000

/* What was printed so far. */
struct listing {
    char id[32]; /* of the last message */
    json_int_t recipient_number;
    size_t messages;
    json_int_t bytes;
};

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static json_int_t number_at(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* Behind the id: `*` is being delivered, `!` is held. */
static char mark_of(const json_t *row)
{
    const char *state = text_at(row, "state");
    return strcmp(state, "active") == 0 ? '*' : strcmp(state, "held") == 0 ? '!' : ' ';
}

static void print_message(struct listing *listing, const json_t *row)
{
    char date[32] = "";
    time_t arrived = (time_t)number_at(row, "arrived");
    struct tm local;
    if (localtime_r(&arrived, &local))
        strftime(date, sizeof date, "%a %b %e %H:%M:%S", &local);
    const char *sender = text_at(row, "sender");
    if (listing->messages == 0)
        puts("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------");
    else
        putchar('\n');
    printf("%s%c %8" PRIi64 " %-20s %s\n", text_at(row, "id"), mark_of(row),
           (int64_t)number_at(row, "size"), date, *sender ? sender : "MAILER-DAEMON");
    snprintf(listing->id, sizeof listing->id, "%s", text_at(row, "id"));
    listing->messages++;
    listing->bytes += number_at(row, "size");
}

static void print_row(struct listing *listing, const json_t *row)
{
    if (strcmp(listing->id, text_at(row, "id")) != 0)
        print_message(listing, row);
    const char *words = text_at(row, "words");
    if (*words)
        printf("      (%s)\n", words);
    printf("%44s%s\n", "", text_at(row, "recipient"));
    listing->recipient_number = number_at(row, "recipient_number");
}

static json_t *ask_for_page(struct str state, const struct listing *listing, int *out_status)
{
    json_t *request = json_pack("{s:s, s:i}", "command", "queue.list", "limit", PAGE);
    if (listing->messages) {
        json_object_set_new(request, "after", json_string(listing->id));
        json_object_set_new(request, "after_recipient", json_integer(listing->recipient_number));
    }
    return running_ask("mailq", state, request, out_status);
}

static void print_end(const struct listing *listing)
{
    if (listing->messages == 0)
        puts("Mail queue is empty");
    else
        printf("\n-- %" PRIi64 " Kbytes in %zu Request%s.\n",
               (int64_t)(listing->bytes + 1023) / 1024, listing->messages,
               listing->messages == 1 ? "" : "s");
}

int mailq_print(struct str state)
{
    struct listing listing = {.id = ""};
    bool has_more = true;
    while (has_more) {
        int status;
        json_t *answer = ask_for_page(state, &listing, &status);
        if (!answer)
            return status == EX_TEMPFAIL ? EX_TEMPFAIL : EX_UNAVAILABLE;
        size_t i;
        const json_t *row;
        json_array_foreach(json_object_get(answer, "recipients"), i, row) print_row(&listing, row);
        has_more = json_is_true(json_object_get(answer, "more"));
        json_decref(answer);
    }
    print_end(&listing);
    return EX_OK;
}
