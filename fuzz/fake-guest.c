/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-guest.h"

#include "common/process.h"
#include "core/snapshot.h"
#include "fuzz.h"

#define CODE 0x400000u
#define DATA (CODE + SCONCE_GUEST_GRANULE)
#define PAGE SCONCE_SNAPSHOT_PAGE_BYTES

static const struct sconce_limits limits = {.heap_bytes = 2 * SCONCE_GUEST_GRANULE,
                                            .stack_bytes = SCONCE_GUEST_GRANULE,
                                            .io_bytes = SCONCE_GUEST_GRANULE};

const struct sconce_limits *fake_limits(void)
{
    return &limits;
}

struct sconce_guest *fake_guest(void)
{
    static struct sconce_image image = {
        .name = (char *)"fake",
        .segment_count = 2,
        .start = CODE,
        .end = DATA + SCONCE_GUEST_GRANULE,
        .segments =
            {
                {.gpa = CODE,
                 .bytes = SCONCE_GUEST_GRANULE,
                 .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC},
                {.gpa = DATA,
                 .bytes = SCONCE_GUEST_GRANULE,
                 .prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE},
            },
    };
    static struct sconce_guest guest = {.image = &image};

    if (!guest.process)
        atomic_init(&guest.refs, 1);
    guest.process = sconce_process_id();
    return &guest;
}

struct sconce_snapshot_parts fake_parts(void)
{
    static struct sconce_personality_range mapping;
    struct sconce_snapshot_parts parts = {
        .heap_bytes = limits.heap_bytes,
        .stack_bytes = limits.stack_bytes,
        .io_bytes = limits.io_bytes,
        .resume_pc = CODE + 64,
        .resume_sp = DATA,
        .resume_tls = DATA + 8,
        .fault_pc = CODE + 128,
        .fault_stack = DATA,
        .fault_stack_bytes = 2 * PAGE,
    };
    struct sconce_layout layout;

    FUZZ_CHECK(sconce_layout_make(fake_guest()->image, &limits, &layout, NULL) == 0);
    for (uint32_t i = 0; i < layout.region_count; i++)
        parts.regions[i] = (struct sconce_snapshot_region){
            layout.regions[i].gpa, layout.regions[i].bytes, layout.regions[i].role};
    parts.region_count = layout.region_count;
    mapping =
        (struct sconce_personality_range){layout.heap.gpa + 4 * PAGE, layout.heap.gpa + 6 * PAGE};
    parts.system = (struct sconce_personality_state){
        .brk = layout.heap.gpa + 100, .mappings = &mapping, .mapping_count = 1};
    return parts;
}

static void check_books(const struct sconce_snapshot *snapshot)
{
    const struct sconce_personality_state *system = &snapshot->system;
    const struct sconce_region *heap = &snapshot->layout.heap;
    uint64_t floor = system->brk;

    FUZZ_CHECK(system->brk >= heap->gpa && system->brk <= heap->gpa + heap->bytes);
    FUZZ_CHECK(system->mapping_count <= SCONCE_PERSONALITY_MAPPINGS);
    for (uint32_t i = 0; i < system->mapping_count; i++) {
        FUZZ_CHECK(system->mappings[i].start >= floor);
        FUZZ_CHECK(system->mappings[i].start < system->mappings[i].end);
        FUZZ_CHECK((system->mappings[i].start | system->mappings[i].end) % PAGE == 0);
        floor = system->mappings[i].end + 1;
    }
    FUZZ_CHECK(system->random_at <= SCONCE_PERSONALITY_RANDOM_MOST);
    FUZZ_CHECK(floor <= heap->gpa + heap->bytes + 1);
}

static void check_memory(const struct sconce_snapshot *snapshot)
{
    struct sconce_snapshot_stretch *stretches;
    size_t count;

    FUZZ_CHECK(sconce_snapshot_stretches(snapshot, &stretches, &count, NULL) == 0);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(stretches[i].start < stretches[i].end);
        FUZZ_CHECK(sconce_layout_state(&snapshot->layout, stretches[i].start,
                                       stretches[i].end - stretches[i].start));
    }
    free(stretches);
}

void fake_check(const struct sconce_snapshot *snapshot)
{
    const struct sconce_fault_handler *handler = &snapshot->fault_handler;

    FUZZ_CHECK(snapshot->layout.heap.bytes <= limits.heap_bytes);
    FUZZ_CHECK(snapshot->resume.pc >= CODE && snapshot->resume.pc < DATA);
    if (handler->pc) {
        FUZZ_CHECK(handler->pc >= CODE && handler->pc < DATA);
        FUZZ_CHECK(handler->stack_bytes >= SCONCE_FAULT_STACK_LEAST);
        FUZZ_CHECK(sconce_layout_state(&snapshot->layout, handler->stack, handler->stack_bytes));
    }
    FUZZ_CHECK(snapshot->generation <= SCONCE_SNAPSHOT_GENERATION_MOST);
    check_books(snapshot);
    check_memory(snapshot);
}
