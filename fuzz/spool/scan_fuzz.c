/* A whole segment of arbitrary bytes. Since no fuzzer guesses checksums, the input is a program
 * that writes records (whole, cut short, overlapping, with wrong places) and raw bytes, and then
 * the segment is scanned, and a spool is opened on it. Laws: findings are in order, within the
 * segment, and do not overlap; nothing behind the proven unit that is not whole counts; the spool
 * starts. */
#include "base/crc32c.h"
#include "base/log.h"
#include "spool/scan.h"
#include "spool/wire.h"

#include <stdio.h>

#define SEGMENT_BYTES SEGMENT_MIN_BYTES

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct segment_life life = {5, 7};

static void put(char *segment, size_t at, const void *bytes, size_t len)
{
    if (at < SEGMENT_BYTES)
        memcpy(segment + at, bytes, min_size(len, SEGMENT_BYTES - at));
}

/* One instruction: 12 bytes that say what record is where, then its head. */
static void write_record(char *segment, struct wire_reader *program)
{
    uint32_t unit = wire_read16(program) % (SEGMENT_BYTES / SPOOL_ALIGN_BYTES);
    struct record_header header = {.type = wire_read8(program),
                                   .flags = wire_read8(program),
                                   .group_index = wire_read8(program),
                                   .proven_unit = wire_read16(program),
                                   .sequence = wire_read8(program),
                                   .id = wire_read8(program),
                                   .generation = life.generation,
                                   .salt = life.salt};
    size_t head_len = min_size(wire_read8(program), program->rest.len);
    uint32_t content_len = wire_read16(program);
    struct str head = wire_read_bytes(program, head_len);
    char bytes[RECORD_HEADER_BYTES];
    header.head_len = (uint32_t)head.len;
    header.head_crc = crc32c(0, head);
    header.body_len = header.head_len + content_len;
    record_header_write(&header, bytes);
    put(segment, (size_t)unit * SPOOL_ALIGN_BYTES, bytes, sizeof bytes);
    put(segment, (size_t)unit * SPOOL_ALIGN_BYTES + sizeof bytes, head.at, head.len);
}

static void check_scan(struct str segment)
{
    struct scan scan;
    uint32_t end = SEGMENT_FIRST_UNIT;
    scan_segment(segment, life, 0, &scan);
    for (size_t i = 0; i < scan.count; i++) {
        const struct scan_found *found = &scan.found[i];
        assert(found->unit >= end && found->units > 0);
        end = found->unit + found->units;
        assert(found->verdict != SCAN_COUNTS || found->kind == SCAN_RECORD);
    }
    assert(end <= scan.end_unit && scan.end_unit <= segment.len / SPOOL_ALIGN_BYTES);
    scan_done(&scan);
}

static void ignore(void *context, const struct spool_announcement *announcement)
{
    UNUSED(context);
    UNUSED(announcement);
}

static void write_file(struct disk *disk, const char *path, char *bytes, size_t len)
{
    struct disk_file *file;
    struct iovec iov = {bytes, len};
    enum err err = disk_open(disk, path, DISK_WRITE | DISK_CREATE, 0600, &file);
    assert(!err);
    err = disk_write(file, 0, &iov, 1);
    assert(!err);
    disk_close(file);
}

static void check_spool(char *segment)
{
    struct disk *disk = disk_memory_new(64u << 20);
    struct clock clock = clock_virtual(0);
    struct segment_header header = {
        .lane = LANE_MESSAGES, .life = life, .size_bytes = SEGMENT_BYTES};
    struct spool_options options = {.disk = disk,
                                    .clock = &clock,
                                    .directory = "s",
                                    .segment_bytes = SEGMENT_BYTES,
                                    .inline_commits = true,
                                    .announce = ignore};
    struct spool_recovery recovery;
    struct spool *spool;
    enum err err = disk_mkdir(disk, "s", 0700);
    assert(!err);
    err = disk_mkdir(disk, "s/segments", 0700);
    assert(!err);
    segment_header_write(&header, segment);
    write_file(disk, "s/segments/000000.seg", segment, SEGMENT_BYTES);
    err = spool_open(&options, &spool, &recovery);
    assert(!err);
    spool_close(spool);
    err = spool_open(&options, &spool, &recovery);
    assert(!err);
    spool_close(spool);
    disk_memory_free(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char segment[SEGMENT_BYTES];
    struct wire_reader program = wire_reader_make(str_make((const char *)data, size));
    log_init(LOG_ERROR, -1);
    memset(segment, 0, sizeof segment);
    if (wire_read8(&program) & 1)
        segment_trailer_write(life, wire_read16(&program), segment + sizeof segment - 64);
    while (program.rest.len && !program.failed)
        write_record(segment, &program);
    check_scan(str_make(segment, sizeof segment));
    check_spool(segment);
    return 0;
}
