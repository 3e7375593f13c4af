#include "test.h"

#include <errno.h>

TEST(every_error_has_its_own_text)
{
    for (int i = OK; i <= ERR_UNSUPPORTED; i++) {
        REQUIRE(err_text((enum err)i) != NULL);
        for (int other = OK; other < i; other++)
            CHECK(strcmp(err_text((enum err)i), err_text((enum err)other)) != 0);
    }
}

TEST(errors_of_the_system_are_told_apart)
{
    CHECK_INT(err_from_errno(0), OK);
    CHECK_INT(err_from_errno(ENOENT), ERR_NOT_FOUND);
    CHECK_INT(err_from_errno(ENOSPC), ERR_FULL);
    CHECK_INT(err_from_errno(EDQUOT), ERR_FULL);
    CHECK_INT(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    CHECK_INT(err_from_errno(EPIPE), ERR_RESET);
    CHECK_INT(err_from_errno(EIO), ERR_IO);
}

TEST(an_unknown_error_is_an_error)
{
    for (int i = 1; i < 200; i++)
        CHECK(err_from_errno(i) != OK);
}

int main(void)
{
    RUN(every_error_has_its_own_text);
    RUN(errors_of_the_system_are_told_apart);
    RUN(an_unknown_error_is_an_error);
    return test_summary();
}
