/* Slots that end in mailboxes of this machine. */
#include "scene.h"

static void count_name(void *context, const char *name)
{
    UNUSED(name);
    ++*(unsigned *)context;
}

static unsigned count_files(struct scene *scene, const char *directory)
{
    unsigned count = 0;
    enum err err = disk_list(scene->disk, directory, count_name, &count);
    CHECK(err == OK || err == ERR_NOT_FOUND);
    return count;
}

TEST_SCENE(junk_goes_into_the_junk_folder_of_who_it_is_junk_for)
{
    struct spool_recipient recipients[] = {
        {.address = STR("a@b.example"), .junk = true},
        {.address = STR("b@b.example")},
    };
    struct spool_envelope envelope = {.sender = STR("me@here.example"),
                                      .recipients = recipients,
                                      .recipient_count = ARRAY_LEN(recipients)};
    scene->slot.way = (struct route_way){
        .via = ROUTE_MAILDIR, .name = STR("maildir"), .maildir = STR("/mail/%{user}")};
    scene_add_envelope(scene, envelope, 0, STR(SCENE_MESSAGE));
    scene_deliver(scene);
    const struct fake_message *message = &scene->slot.messages[0];
    CHECK_STR(str_of(message->recipients[0].words), STR("into /mail/a/.Junk"));
    CHECK_STR(str_of(message->recipients[1].words), STR("into /mail/b"));
    CHECK_INT(count_files(scene, "/mail/a/.Junk/new"), 1);
    CHECK_INT(count_files(scene, "/mail/a/new"), 0);
    CHECK_INT(count_files(scene, "/mail/b/new"), 1);
    CHECK_INT(count_files(scene, "/mail/b/.Junk/new"), 0);
}

int main(void)
{
    RUN(junk_goes_into_the_junk_folder_of_who_it_is_junk_for);
    return test_summary();
}
