#include "base/crc32c.h"

#include "base/crc32c_internal.h"

#include <pthread.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41, least significant bit first */

static uint32_t table[256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
        table[i] = crc;
    }
}

uint32_t crc32c_by_table(uint32_t crc, struct str bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_table);
    for (size_t i = 0; i < bytes.len; i++)
        crc = (crc >> 8) ^ table[(crc ^ (unsigned char)bytes.at[i]) & 0xff];
    return crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

bool crc32c_has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }

__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(uint32_t crc, struct str bytes)
{
    uint64_t wide = crc;
    for (; bytes.len >= 8; bytes = str_from(bytes, 8)) {
        uint64_t word;
        memcpy(&word, bytes.at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (size_t i = 0; i < bytes.len; i++)
        crc = _mm_crc32_u8(crc, (unsigned char)bytes.at[i]);
    return crc;
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

bool crc32c_has_instruction(void) { return true; }

uint32_t crc32c_by_instruction(uint32_t crc, struct str bytes)
{
    for (; bytes.len >= 8; bytes = str_from(bytes, 8)) {
        uint64_t word;
        memcpy(&word, bytes.at, 8);
        crc = __crc32cd(crc, word);
    }
    for (size_t i = 0; i < bytes.len; i++)
        crc = __crc32cb(crc, (unsigned char)bytes.at[i]);
    return crc;
}

#else

bool crc32c_has_instruction(void) { return false; }

uint32_t crc32c_by_instruction(uint32_t crc, struct str bytes)
{
    return crc32c_by_table(crc, bytes);
}

#endif

uint32_t crc32c(uint32_t crc, struct str bytes)
{
    return crc32c_has_instruction() ? ~crc32c_by_instruction(~crc, bytes)
                                    : ~crc32c_by_table(~crc, bytes);
}
