/* How a message leaves that aliases send on: with which sender, with what on top, in how many
 * transactions; and that what loops does not leave at all. */
#include "scene.h"

#define UE   "\xc3\xbc"
#define INFO "Delivered-To: info@here.example\r\n"

static const struct srs_key srs_key = {{1, 2, 3}};

/* An envelope to a@, b@, c@ of b.example, each by the alias given, or by none. */
struct letter {
    const char *sender;
    const char *addresses[3]; /* NULL: a@b.example and so on */
    const char *aliases[3];
    bool loops[3];
};

static void add(struct scene *scene, const struct letter *letter, struct str content)
{
    static const char *const usual[] = {"a@b.example", "b@b.example", "c@b.example"};
    struct spool_recipient to[3] = {{{0}}};
    for (size_t i = 0; i < 3; i++) {
        const char *address = letter->addresses[i] ? letter->addresses[i] : usual[i];
        to[i].address = str_of(address);
        to[i].forwarded_by = letter->aliases[i] ? str_of(letter->aliases[i]) : STR_EMPTY;
        to[i].loops = letter->loops[i];
    }
    struct spool_envelope envelope = {
        .sender = str_of(letter->sender), .recipients = to, .recipient_count = 3};
    scene_add_envelope(scene, envelope, 3, content);
}

static struct route_table *make_routes(void)
{
    struct route_table *routes = route_table_new();
    struct route_domain_options here = {.name = STR("here.example")};
    struct route_domain_options other = {.name = STR("other.example")};
    CHECK_INT(route_table_add_domain(routes, &here), OK);
    CHECK_INT(route_table_add_domain(routes, &other), OK);
    route_table_set_srs_key(routes, &srs_key);
    return routes;
}

static size_t count(struct str text, const char *part)
{
    size_t found = 0, at;
    while ((at = str_search(text, str_of(part))) != SIZE_MAX) {
        found++;
        text = str_from(text, at + 1);
    }
    return found;
}

/* ---- the sender ---- */

struct row {
    const char *about;
    struct letter letter;
    size_t transactions;
    const char *said[3]; /* found in the story */
};

static const struct row rows[] = {
    {"nothing is forwarded",
     {"joe@away.example", {0}, {0}, {0}},
     1,
     {"MAIL FROM:<joe@away.example>"}},
    {"all by one alias",
     {"joe@away.example",
      {0},
      {"info@here.example", "info@here.example", "info@here.example"},
      {0}},
     1,
     {"MAIL FROM:<SRS0=", "=away.example=joe@here.example>", "sender rewritten to <SRS0="}},
    {"some by an alias",
     {"joe@away.example", {0}, {0, "info@here.example", 0}, {0}},
     2,
     {"MAIL FROM:<joe@away.example>", "=away.example=joe@here.example>"}},
    {"by aliases of two domains",
     {"joe@away.example", {0}, {"info@here.example", "info@other.example", 0}, {0}},
     3,
     {"=joe@here.example>", "=joe@other.example>", "MAIL FROM:<joe@away.example>"}},
    {"a sender of ours stays",
     {"joe@other.example",
      {0},
      {"info@here.example", "info@here.example", "info@here.example"},
      {0}},
     1,
     {"MAIL FROM:<joe@other.example>"}},
    {"nobody stays nobody",
     {"", {0}, {"info@here.example", "info@here.example", "info@here.example"}, {0}},
     1,
     {"MAIL FROM:<>"}},
    {"one address beyond ASCII goes alone",
     {"joe@away.example", {0, "b" UE "@b.example", 0}, {0}, {0}},
     1,
     {"5.6.7 the message needs SMTPUTF8", "RCPT TO:<c@b.example>"}},
    {"U-labels are sent as A-labels",
     {"joe@b" UE "cher.example", {"a@m" UE "nchen.example"}, {0}, {0}},
     1,
     {"MAIL FROM:<joe@xn--bcher-kva.example>", "RCPT TO:<a@xn--mnchen-3ya.example>"}},
    {"who loops is told so, the others get it",
     {"joe@away.example", {0}, {0}, {true, false, true}},
     1,
     {"<a@b.example>: bounced, refused for good: 5.4.6", "RCPT TO:<b@b.example>"}},
    {"all loop: nobody is called",
     {"joe@away.example", {0}, {0}, {true, true, true}},
     0,
     {"<c@b.example>: bounced, refused for good: 5.4.6"}},
};

static void play_row(struct scene *scene)
{
    const struct row *row = scene->row;
    struct arena arena = arena_make();
    struct route_table *routes = make_routes();
    scene->options.routes = routes;
    add(scene, &row->letter, STR(SCENE_MESSAGE));
    scene_deliver(scene);
    struct str story = scene_story(scene, &arena);
    bool is_as_told = count(story, "C: MAIL FROM:") == row->transactions;
    for (size_t i = 0; i < 3 && row->said[i]; i++)
        is_as_told &= str_search(story, str_of(row->said[i])) != SIZE_MAX;
    CHECK_ROW(row->about, is_as_told);
    if (!is_as_told)
        printf("%.*s\n", STR_FMT(story));
    for (size_t i = 0; i < 3; i++)
        CHECK_ROW(row->about, scene->slot.messages[0].recipients[i].finished == 1);
    route_table_free(routes);
    arena_reset(&arena);
}

TEST(each_recipient_gets_it_from_the_sender_that_is_right)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        scene_play(play_row, &rows[i]);
}

/* ---- what stands on top ---- */

static const char *const extensions[] = {"PIPELINING SIZE,100000", "CHUNKING SIZE,100000", ""};

static void play_top(struct scene *scene)
{
    static const struct letter letter = {
        "joe@away.example",
        {0},
        {"info@here.example", "info@here.example", "info@here.example"},
        {0},
    };
    struct arena arena = arena_make();
    struct route_table *routes = make_routes();
    scene->options.routes = routes;
    scene->peer.extensions = scene->row;
    scene->peer.message = STR(INFO SCENE_MESSAGE);
    add(scene, &letter, STR(SCENE_MESSAGE));
    scene_deliver(scene);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(scene->peer.copies[i], 1);
    CHECK_INT(scene->peer.wrong_contents, 0);
    struct str size = arena_printf(&arena, " SIZE=%zu", sizeof(INFO SCENE_MESSAGE) - 1);
    bool has_size = str_search(str_of(scene->row), STR("SIZE")) != SIZE_MAX;
    CHECK_INT(count(scene_story(scene, &arena), size.at), has_size);
    route_table_free(routes);
    arena_reset(&arena);
}

TEST(the_alias_stands_on_top)
{
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
        scene_play(play_top, extensions[i]);
}

/* ---- connections ---- */

struct weather {
    const char *about, *script;
    const char *fates; /* D delivered, Q deferred, F failed; a, b and c go by three aliases */
};

static const struct weather weathers[] = {
    {"all goes well", "", "DDD"},
    {"the server ends after the first", "DOT1=250 ok\r\n421 bye!close", "DDD"},
    {"the second is refused", "MAIL2=550 5.7.1 no", "DFD"},
    {"the connection breaks at the second, and a new one is made", "MAIL2=!reset", "DDD"},
    {"it breaks whenever the second is tried", "MAIL2=!reset | MAIL3=!reset", "DQQ"},
    {"it breaks in the content of the second", "DOT2=!reset", "DQD"},
};

static void play_weather(struct scene *scene)
{
    static const struct letter letter = {
        "joe@away.example",
        {0},
        {"one@here.example", "two@here.example", "three@here.example"},
        {0},
    };
    const struct weather *weather = scene->row;
    struct route_table *routes = make_routes();
    scene->options.routes = routes;
    scene->peer.script = weather->script;
    add(scene, &letter, STR(SCENE_MESSAGE));
    scene_deliver(scene);
    for (size_t i = 0; i < 3; i++) {
        const struct fake_recipient *recipient = &scene->slot.messages[0].recipients[i];
        CHECK_ROW(weather->about, recipient->finished == 1);
        CHECK_ROW(weather->about, "DQFH"[recipient->kind] == weather->fates[i]);
        CHECK_ROW(weather->about, scene->peer.copies[i] <= 1);
    }
    route_table_free(routes);
}

TEST(groups_go_one_after_the_other)
{
    for (size_t i = 0; i < ARRAY_LEN(weathers); i++)
        scene_play(play_weather, &weathers[i]);
}

/* The destination's failure is told to the queue, whatever became of some recipient before. */
TEST_SCENE(who_loops_says_nothing_of_the_connection)
{
    static const struct letter letter = {"joe@away.example", {0}, {0}, {true, false, false}};
    scene->peer.script = "CONNECT=!close";
    add(scene, &letter, STR(SCENE_MESSAGE));
    scene_deliver(scene);
    const struct fake_message *message = &scene->slot.messages[0];
    CHECK_INT(message->recipients[0].kind, QUEUE_FAILED);
    CHECK_INT(message->recipients[1].kind, QUEUE_DEFERRED);
    CHECK(scene->slot.blocked);
}

/* ---- mailboxes ---- */

TEST_SCENE(a_mailbox_says_who_wrote_and_a_loop_ends_before_it)
{
    static const struct letter letter = {
        "joe@away.example", {0}, {"info@here.example"}, {false, true, false}};
    struct route_table *routes = make_routes();
    struct arena arena = arena_make();
    scene->options.routes = routes;
    scene->slot.way = (struct route_way){
        .via = ROUTE_MAILDIR, .name = STR("maildir"), .maildir = STR("/m/%{user}")};
    add(scene, &letter, STR(SCENE_MESSAGE));
    scene_deliver(scene);
    const struct fake_message *message = &scene->slot.messages[0];
    CHECK_INT(message->recipients[0].kind, QUEUE_DELIVERED);
    CHECK_INT(message->recipients[1].kind, QUEUE_FAILED);
    CHECK_INT(message->recipients[2].kind, QUEUE_DELIVERED);
    CHECK(strncmp(message->recipients[1].words, "5.4.6 ", 6) == 0);
    CHECK_INT(count(scene_story(scene, &arena), "rewritten"), 0);
    bool is_there;
    CHECK(disk_exists(scene->disk, "/m/a/new", &is_there) == OK && is_there);
    CHECK(disk_exists(scene->disk, "/m/b/new", &is_there) == OK && !is_there);
    route_table_free(routes);
    arena_reset(&arena);
}

int main(void)
{
    RUN(each_recipient_gets_it_from_the_sender_that_is_right);
    RUN(the_alias_stands_on_top);
    RUN(groups_go_one_after_the_other);
    RUN(who_loops_says_nothing_of_the_connection);
    RUN(a_mailbox_says_who_wrote_and_a_loop_ends_before_it);
    return test_summary();
}
