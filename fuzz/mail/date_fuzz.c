/* Laws: a date that was read prints, and the print is read as the same second. */
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(int64_t wall_us)
{
    struct buf buf = buf_make(MAIL_DATE_BYTES), again = buf_make(MAIL_DATE_BYTES);
    int64_t back;
    enum err err = mail_date_print(&buf, wall_us);
    assert(!err && buf.len == MAIL_DATE_BYTES);
    err = mail_date_parse(buf_str(&buf), &back);
    assert(!err);
    err = mail_date_print(&again, back);
    assert(!err && str_eq(buf_str(&buf), buf_str(&again)));
    buf_free(&buf);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t wall_us;
    if (mail_date_parse(str_make((const char *)data, size), &wall_us) == OK)
        check_print(wall_us);
    if (size >= sizeof wall_us) {
        memcpy(&wall_us, data, sizeof wall_us);
        check_print(wall_us);
    }
    return 0;
}
