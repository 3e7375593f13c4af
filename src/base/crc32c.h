/* CRC-32C (Castagnoli, RFC 3720 section 12.1): proves that bytes on disk are the ones written.
 * Uses the processor's instruction where there is one. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/str.h"

/* Start with crc = 0; the result of one call is the `crc` of the next piece. */
uint32_t crc32c(uint32_t crc, struct str bytes);

#endif
