/* The two ways to compute a CRC-32C, so that the test can hold one against the other. Both take
 * and return the raw register, without the inversion before and after. */
#ifndef BASE_CRC32C_INTERNAL_H
#define BASE_CRC32C_INTERNAL_H

#include "base/str.h"

uint32_t crc32c_by_table(uint32_t crc, struct str bytes);

/* Whether this processor has the instruction; only then may the function be called. */
bool crc32c_has_instruction(void);
uint32_t crc32c_by_instruction(uint32_t crc, struct str bytes);

#endif
