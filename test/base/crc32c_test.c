#include "base/crc32c.h"
#include "base/crc32c_internal.h"
#include "base/random.h"
#include "test.h"

/* RFC 3720, appendix B.4; the values are printed there least significant byte first. */
TEST(the_examples_of_rfc_3720)
{
    char zeros[32] = {0};
    char ones[32];
    char up[32];
    char down[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        up[i] = (char)i;
        down[i] = (char)(31 - i);
    }
    CHECK_INT(crc32c(0, str_make(zeros, 32)), 0x8a9136aa);
    CHECK_INT(crc32c(0, str_make(ones, 32)), 0x62a8ab43);
    CHECK_INT(crc32c(0, str_make(up, 32)), 0x46dd794e);
    CHECK_INT(crc32c(0, str_make(down, 32)), 0x113fdb5c);
    /* An iSCSI SCSI Read (10) command PDU. */
    static const unsigned char read_pdu[48] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    CHECK_INT(crc32c(0, str_make((const char *)read_pdu, sizeof read_pdu)), 0xd9963a56);
}

TEST(the_check_value)
{
    CHECK_INT(crc32c(0, STR("123456789")), 0xe3069283);
    CHECK_INT(crc32c(0, STR_EMPTY), 0);
}

TEST(pieces_give_the_same_as_the_whole)
{
    struct str whole = STR("The quick brown fox jumps over the lazy dog");
    uint32_t want = crc32c(0, whole);
    for (size_t cut = 0; cut <= whole.len; cut++)
        CHECK_INT(crc32c(crc32c(0, str_first(whole, cut)), str_from(whole, cut)), want);
}

TEST(instruction_and_table_agree_at_every_length_and_alignment)
{
    if (!crc32c_has_instruction())
        return;
    struct random random = random_seeded(1);
    char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)random_u64(&random);
    for (size_t from = 0; from < 16; from++) {
        for (size_t len = 0; from + len <= sizeof bytes; len++) {
            struct str piece = str_make(bytes + from, len);
            uint32_t start = (uint32_t)random_u64(&random);
            REQUIRE(crc32c_by_table(start, piece) == crc32c_by_instruction(start, piece));
        }
    }
}

int main(void)
{
    RUN(the_examples_of_rfc_3720);
    RUN(the_check_value);
    RUN(pieces_give_the_same_as_the_whole);
    RUN(instruction_and_table_agree_at_every_length_and_alignment);
    return test_summary();
}
