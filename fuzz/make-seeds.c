/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make-seeds DIR: write the seeds DIR/TARGET/seed-NAME that are made, not found: good guests and
 * some nearly good ones, frames, signatures. make-seeds --check DIR: compare instead, so that a
 * change of the guest ABI cannot leave a corpus behind that every target refuses at once.
 */
#include <stdbool.h>
#include <string.h>

#include "core/frame.h"
#include "elf-builder.h"
#include "fuzz.h"
#include "personality-fixture.h"
#include "seeds.h"

/* ---- Guests ---------------------------------------------------------------------------------- */

static void break_nothing(struct elf_guest *g)
{
    (void)g;
}

static void become_aarch64(struct elf_guest *g)
{
    g->ehdr->e_machine = EM_AARCH64;
    for (size_t i = 0; i < g->rela_count; i++)
        g->rela[i].r_info = ELF64_R_INFO(0, R_AARCH64_RELATIVE);
}

static void break_interpreter(struct elf_guest *g)
{
    g->spare->p_type = PT_INTERP;
}

static void break_permissions(struct elf_guest *g)
{
    g->text->p_flags |= PF_W;
}

static void break_overlap(struct elf_guest *g)
{
    g->text->p_vaddr = ELF_DATA + g->text->p_offset;
}

static void break_bss(struct elf_guest *g)
{
    g->data->p_memsz = 1ull << 35;
}

static void break_relocation(struct elf_guest *g)
{
    g->rela[0].r_offset = g->data->p_vaddr + g->data->p_memsz;
}

static void reach_far(struct elf_guest *g)
{
    g->rela[g->rela_count - 1].r_offset = g->data->p_vaddr + g->data->p_memsz - 8;
}

static void need_library(struct elf_guest *g)
{
    elf_guest_dyn(g, DT_NEEDED);
}

static void break_sections(struct elf_guest *g)
{
    g->names_section->sh_size = UINT64_MAX;
}

static void drop_sections(struct elf_guest *g)
{
    g->ehdr->e_shoff = 0;
    g->ehdr->e_shnum = 0;
}

static void repeat_export(struct elf_guest *g)
{
    g->rela[0].r_addend = g->rela[2].r_addend;
}

static void repeat_note(struct elf_guest *g)
{
    *g->spare = *g->notes;
}

static void emit_images(void)
{
    static const struct elf_function all[] = {{"all", "nbiulmfdsy"}, {"none", "n"}};
    static const struct {
        const char *name;
        struct elf_options options;
        void (*change)(struct elf_guest *g);
    } images[] = {
        {"rela", {0}, break_nothing},
        {"rela-aarch64", {0}, become_aarch64},
        {"relr", {.relr = true}, break_nothing},
        {"fixed", {.type = ET_EXEC}, break_nothing},
        {"self", {.self = true}, break_nothing},
        {"self-relr", {.self = true, .relr = true}, break_nothing},
        {"functions-none", {.functions = true}, break_nothing},
        {"functions-types",
         {.functions = true, .exports = all, .export_count = 2, .imports = all, .import_count = 2},
         break_nothing},
        {"sections-none", {0}, drop_sections},
        {"relocation-in-bss", {0}, reach_far},
        {"relocation-outside", {0}, break_relocation},
        {"interpreter", {0}, break_interpreter},
        {"writable-code", {0}, break_permissions},
        {"overlap", {0}, break_overlap},
        {"huge", {0}, break_bss},
        {"needed", {0}, need_library},
        {"section-names", {0}, break_sections},
        {"export-twice", {0}, repeat_export},
        {"note-twice", {0}, repeat_note},
    };

    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++) {
        struct elf_guest guest;

        elf_guest_init(&guest, &images[i].options);
        images[i].change(&guest);
        emit("image", images[i].name, guest.bytes, guest.size);
        elf_guest_fini(&guest);
    }
}

/* Options alone: the guest as it is, which the fuzzer then changes. */
static void emit_tables(void)
{
    static const char *const names[] = {"rela", "fixed",      "self",      "fixed-self",
                                        "relr", "fixed-relr", "self-relr", "fixed-self-relr"};
    uint8_t data[512] = {0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        data[0] = (uint8_t)i;
        emit("table", names[i], data, sizeof data);
    }
}

/* ---- Plugins --------------------------------------------------------------------------------- */

/* A guest made over into a plugin: all that a reader of notes looks at. */
static void emit_plugins(void)
{
    static const char text[] = "abi=1.0\nname=stub\nversion=1\narch=any\nmachine=0\n"
                               "mechanism=script\nisolation=none\nstatus=double\nrequires=\n";
    struct elf_guest guest;
    uint64_t bytes = sizeof *guest.note_head + 8 + sizeof text;
    uint8_t *at;

    emit("plugin-note", "text", text, sizeof text);
    elf_guest_init(&guest, &(struct elf_options){.room = 512});
    guest.size = (guest.size + 3) & ~(size_t)3;
    at = guest.bytes + guest.size;
    memcpy(at, guest.note_head, sizeof *guest.note_head + 8);
    memcpy(at + sizeof *guest.note_head + 8, text, sizeof text);
    ((Elf64_Nhdr *)(void *)at)->n_type = SCONCE_NOTE_PLUGIN;
    ((Elf64_Nhdr *)(void *)at)->n_descsz = sizeof text;
    guest.notes->p_offset = guest.size;
    guest.notes->p_filesz = bytes;
    guest.size += (bytes + 3) & ~3ull;
    emit("plugin-note", "file", guest.bytes, guest.size);
    elf_guest_fini(&guest);
}

/* ---- Signatures and frames ------------------------------------------------------------------- */

static void emit_signatures(void)
{
    static const char *const texts[][2] = {
        {"text-all", "(bool, i32, u32, i64, u64, f32, f64, string, bytes) -> none"},
        {"text-none", "() -> none"},
        {"text-blanks", "\t( i32 ,bytes )->string "},
        {"text-unknown", "(i16) -> i32"},
        {"text-17", "(i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32)->i32"},
        {"letters-all", "nbiulmfdsy"},
        {"letters-17", "iiiiiiiiiiiiiiiiii"},
        {"utf8", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80"
                 "\xf4\x8f\xbf\xbf"},
        {"utf8-surrogate", "01234567\xed\xa0\x80"},
        {"utf8-overlong", "01234567\xf0\x8f\xbf\xbf"},
        {"utf8-cut", "0123456789abcde\xf0\x9f\x98"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        emit("signature", texts[i][0], texts[i][1], strlen(texts[i][1]));
}

static struct sconce_value span(uint32_t type, const char *text)
{
    struct sconce_value value = {.type = type};

    value.as.span.data = text;
    value.as.span.length = strlen(text);
    return value;
}

static void emit_frame(const char *name, const struct sconce_frame *frame,
                       const struct sconce_value *values, uint32_t count)
{
    uint8_t bytes[1024] = {0};
    struct sconce_buffer buffer = {bytes, sizeof bytes};
    struct sconce_frame written;

    FUZZ_CHECK(sconce_frame_write(&buffer, 0, frame, values, count, NULL) == 0);
    memcpy(&written, bytes, sizeof written);
    emit("frame", name, bytes, written.used_bytes);
}

static void emit_frames(void)
{
    const struct sconce_value all[] = {
        {.type = SCONCE_TYPE_NONE},
        {.type = SCONCE_TYPE_BOOL, .as.boolean = true},
        {.type = SCONCE_TYPE_I32, .as.i32 = INT32_MIN},
        {.type = SCONCE_TYPE_U32, .as.u32 = UINT32_MAX},
        {.type = SCONCE_TYPE_I64, .as.i64 = INT64_MIN},
        {.type = SCONCE_TYPE_U64, .as.u64 = UINT64_MAX},
        {.type = SCONCE_TYPE_F32, .as.u32 = 0x7fa00001}, /* signalling NaN with a payload */
        {.type = SCONCE_TYPE_F64, .as.u64 = 1},          /* the smallest denormal */
        span(SCONCE_TYPE_STRING, "gr\xc3\xbc\xc3\x9f"),
        span(SCONCE_TYPE_BYTES, "\xff\xfe"),
        span(SCONCE_TYPE_STRING, ""),
    };
    const struct sconce_value text[] = {span(SCONCE_TYPE_STRING, "it broke:\n\x1b[2J")};

    emit_frame("ready", &(struct sconce_frame){.kind = SCONCE_FRAME_READY}, NULL, 0);
    emit_frame("return", &(struct sconce_frame){.kind = SCONCE_FRAME_RETURN}, all, 1);
    emit_frame("host-call",
               &(struct sconce_frame){.kind = SCONCE_FRAME_HOST_CALL, .index = 1, .reply_at = 512},
               all, sizeof all / sizeof all[0]);
    emit_frame("failed", &(struct sconce_frame){.kind = SCONCE_FRAME_FAILED, .code = -1}, text, 1);
    emit_frame("print", &(struct sconce_frame){.kind = SCONCE_FRAME_PRINT}, text, 1);
    emit_frame("abort", &(struct sconce_frame){.kind = SCONCE_FRAME_ABORT, .code = 3}, text, 1);
}

/* ---- System calls ---------------------------------------------------------------------------- */

/* As fuzz-personality.c reads it: a base's number, 0x80 for pages, and what is added. */
struct seed_arg {
    uint8_t base;
    int16_t offset;
};

struct seed_call {
    const char *name;
    struct seed_arg args[6];
};

#define ZERO(n)                                                                                    \
    {                                                                                              \
        0, n                                                                                       \
    }
#define DATA(n)                                                                                    \
    {                                                                                              \
        1, n                                                                                       \
    }
#define HEAP(n)                                                                                    \
    {                                                                                              \
        2 | 0x80, n                                                                                \
    }
#define HEAP_END(n)                                                                                \
    {                                                                                              \
        3 | 0x80, n                                                                                \
    }
#define PAGES(n)                                                                                   \
    {                                                                                              \
        0x80, n                                                                                    \
    }

static void emit_calls(const char *name, const struct seed_call *calls, size_t count)
{
    /* Vectors, a time, words. */
    const uint64_t words[32] = {DATA_AT + 128, 8, HEAP_AT, 16, 0, 1, 7};
    uint8_t bytes[512];
    size_t used = sizeof words;

    memcpy(bytes, words, sizeof words);
    for (size_t i = 0; i < count; i++) {
        bytes[used++] = (uint8_t)fixture_number(calls[i].name);
        for (size_t k = 0; k < 6; k++) {
            bytes[used++] = calls[i].args[k].base;
            bytes[used++] = (uint8_t)calls[i].args[k].offset;
            bytes[used++] = (uint8_t)((uint16_t)calls[i].args[k].offset >> 8);
        }
    }
    emit("personality", name, bytes, used);
}

static void emit_personality(void)
{
    static const struct seed_call memory[] = {
        {"brk", {HEAP(3)}},
        {"mmap", {ZERO(0), PAGES(4), ZERO(3), ZERO(0x22)}},
        {"mmap", {ZERO(0), PAGES(2), ZERO(3), ZERO(0x22)}},
        {"munmap", {HEAP_END(-3), PAGES(1)}},
        {"mremap", {HEAP_END(-6), PAGES(2), PAGES(3), ZERO(1)}},
        {"mprotect", {HEAP(0), PAGES(2), ZERO(1)}},
        {"madvise", {HEAP(0), PAGES(16), ZERO(4)}},
        {"brk", {HEAP(1)}},
    };
    static const struct seed_call files[] = {
        {"write", {ZERO(1), DATA(0), ZERO(64)}},
        {"writev", {ZERO(2), DATA(0), ZERO(2)}},
        {"read", {ZERO(0), DATA(128), ZERO(8)}},
        {"readv", {ZERO(0), DATA(0), ZERO(2)}},
        {"poll", {DATA(64), ZERO(2)}},
        {"ppoll", {DATA(64), ZERO(2), DATA(32)}},
        {"close", {ZERO(1)}},
        {"ioctl", {ZERO(1), ZERO(0x5401)}},
        {"lseek", {ZERO(0)}},
        {"openat", {ZERO(-100), DATA(0)}},
    };
    static const struct seed_call rest[] = {
        {"clock_gettime", {ZERO(1), DATA(64)}},
        {"clock_getres", {ZERO(0), DATA(64)}},
        {"gettimeofday", {DATA(64), DATA(80)}},
        {"time", {DATA(64)}},
        {"getrandom", {DATA(64), ZERO(32)}},
        {"rt_sigaction", {ZERO(13), DATA(0), DATA(64), ZERO(8)}},
        {"rt_sigprocmask", {ZERO(0), DATA(0), DATA(64), ZERO(8)}},
        {"sigaltstack", {DATA(0), DATA(64)}},
        {"prlimit64", {ZERO(0), ZERO(3), ZERO(0), DATA(64)}},
        {"futex", {DATA(48), ZERO(128), ZERO(7), DATA(32)}},
        {"arch_prctl", {ZERO(0x1002), DATA(0)}},
        {"futex", {DATA(48), ZERO(128), ZERO(7)}},
    };

    emit_calls("memory", memory, sizeof memory / sizeof memory[0]);
    emit_calls("files", files, sizeof files / sizeof files[0]);
    emit_calls("rest", rest, sizeof rest / sizeof rest[0]);
    emit_calls("exit", &(struct seed_call){"exit_group", {ZERO(3)}}, 1);
    emit_calls("kill", &(struct seed_call){"tgkill", {ZERO(1), ZERO(1), ZERO(6)}}, 1);
}

int main(int argc, char **argv)
{
    seeds_start(argc, argv);
    emit_images();
    emit_tables();
    emit_plugins();
    emit_signatures();
    emit_frames();
    emit_personality();
    return seeds_end();
}
