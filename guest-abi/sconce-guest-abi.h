/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host and guest share: doorbells, call frames, the boot page, ELF notes and tables. Included
 * by the core, by plugins (for the doorbell) and by guests, so: data layouts and numbers only, no
 * function. Everything is little-endian and 64-bit.
 *
 * Whatever the host reads here was written by an untrusted guest: copied once, checked, then used.
 */
#ifndef SCONCE_GUEST_ABI_H
#define SCONCE_GUEST_ABI_H

/* ---- Doorbells ------------------------------------------------------------------------------- */

/*
 * A doorbell is one instruction that hands control and a small number to the host:
 *   x86_64: out %al, $SCONCE_DOORBELL_PORT_X86_64, the number in AL
 *   aarch64: svc #SCONCE_DOORBELL_SVC_AARCH64, the number in X0
 * The host's answer is in the IN buffer when the next instruction runs. READY keeps PC, SP and TLS
 * and no other register; the other doorbells also keep what a C callee keeps.
 */
#define SCONCE_DOORBELL_PORT_X86_64 0x5c
#define SCONCE_DOORBELL_SVC_AARCH64 0x5c0e

#define SCONCE_DOORBELL_READY 1     /* OUT: READY, RETURN or FAILED; IN then holds CALL */
#define SCONCE_DOORBELL_HOST_CALL 2 /* OUT: HOST_CALL; IN then holds its answer */
#define SCONCE_DOORBELL_PRINT 3     /* OUT: PRINT; IN is untouched */
#define SCONCE_DOORBELL_ABORT 4     /* OUT: ABORT; the guest does not run again */
/* Since guest ABI 2. */
#define SCONCE_DOORBELL_RETURN 5     /* OUT: RETURN or FAILED of a nested CALL: see HOST_CALL */
#define SCONCE_DOORBELL_ON_FAULT 6   /* OUT: ON_FAULT; IN then holds its answer: see there */
#define SCONCE_DOORBELL_FAULT_DONE 7 /* go on with the registers in the fault report */

/* In struct sconce_boot, for assembly. */
#define SCONCE_BOOT_OUT_ADDR_AT 64
#define SCONCE_BOOT_REWOUND_SP_AT 184
#define SCONCE_BOOT_TURN_ADDR_AT 192
#define SCONCE_BOOT_TURN_SPINS_AT 200

/*
 * Ringing without an exit. When the boot page's @turn_spins is not 0, a guest may ring one of
 * SCONCE_TURN_DOORBELLS so: it writes the doorbell's number, at most 7, into the turn word, behind
 * all of its frame, and looks at the word, @turn_spins times at most.
 *  - ANSWERED: the host's answer is in IN, as when the doorbell's instruction is over.
 *  - Still the number after the last look: it replaces it by ASLEEP, in one step that fails when
 *    the host was faster, and rings the doorbell by its instruction. So does one that finds ASLEEP
 *    there, by which the host asks for that.
 * A guest that knows nothing of this rings by the instruction always, which is right at any time.
 */
#define SCONCE_TURN_DOORBELLS 0x2e /* bits: READY, HOST_CALL, PRINT, RETURN */
#define SCONCE_TURN_ANSWERED 0x100
#define SCONCE_TURN_ASLEEP 0x200

#ifndef __ASSEMBLER__ /* what follows is for C */

#include <stddef.h>
#include <stdint.h>

/* The version in a guest's note. A host takes [MIN, CURRENT]. 2: nested calls, fault handlers,
 * arguments of main, rewinds, windows. */
#define SCONCE_GUEST_ABI_CURRENT 2u
#define SCONCE_GUEST_ABI_MIN 1u

/* ---- Address space: guest-virtual equals guest-physical ------------------------------------- */

#define SCONCE_GPA_MIN 0x100000ull       /* 1 MiB */
#define SCONCE_GPA_MAX 0xfff000000ull    /* guests' mappings end here */
#define SCONCE_GPA_RESERVED 0x1000000ull /* the plugin's own 16 MiB up to 2^36 */
#define SCONCE_GUEST_GRANULE 65536u      /* segments and regions are multiples of this */

/* ---- Types and slots ------------------------------------------------------------------------- */

/* Also the letters of a signature: result first, then parameters, then NUL ("isy" is
 * i32 f(string, bytes)). */
#define SCONCE_TYPE_NONE 'n' /* only as a result */
#define SCONCE_TYPE_BOOL 'b' /* 0 or 1 */
#define SCONCE_TYPE_I32 'i'
#define SCONCE_TYPE_U32 'u'
#define SCONCE_TYPE_I64 'l'
#define SCONCE_TYPE_U64 'm'
#define SCONCE_TYPE_F32 'f'    /* IEEE 754 bits */
#define SCONCE_TYPE_F64 'd'    /* IEEE 754 bits */
#define SCONCE_TYPE_STRING 's' /* UTF-8, length-prefixed, may hold NUL; a NUL follows it */
#define SCONCE_TYPE_BYTES 'y'

#define SCONCE_MAX_PARAMS 16u
#define SCONCE_SIGNATURE_BYTES 24u /* 1 result, 16 parameters, NUL, padding */
#define SCONCE_NAME_MAX 255u       /* bytes of a function's name, UTF-8 without NUL */

/**
 * struct sconce_slot - one argument or result.
 * @value: the bits, zero-extended (32-bit integers too); for string and bytes the offset of the
 *   first byte from the start of the buffer (not of the frame).
 */
struct sconce_slot {
    uint32_t type;   /* SCONCE_TYPE_* */
    uint32_t length; /* bytes of a string (without its NUL) or bytes; else 0 */
    uint64_t value;
};

/* ---- Frames ---------------------------------------------------------------------------------- */

#define SCONCE_FRAME_READY 1u       /* guest: started, no result */
#define SCONCE_FRAME_CALL 2u        /* host: run export @index */
#define SCONCE_FRAME_RETURN 3u      /* guest: result of the CALL in slot 0 */
#define SCONCE_FRAME_FAILED 4u      /* guest: the function failed; @code, text in slot 0 */
#define SCONCE_FRAME_HOST_CALL 5u   /* guest: run import @index; see below */
#define SCONCE_FRAME_HOST_RETURN 6u /* host: result in slot 0 */
#define SCONCE_FRAME_HOST_FAILED 7u /* host: the host function failed; @code, text in slot 0 */
#define SCONCE_FRAME_PRINT 8u       /* guest: text in slot 0 */
#define SCONCE_FRAME_ABORT 9u       /* guest: gives up; @code, text in slot 0 */
#define SCONCE_FRAME_ON_FAULT 10u   /* guest: slots u64: handler, its stack's start and bytes */

/**
 * struct sconce_frame - one message; slots follow it, then the bytes that they point at.
 *
 * A guest's frames start at offset 0 of OUT. A CALL starts at offset 0 of IN; the answer to a
 * HOST_CALL starts at the @reply_at that the guest asked for, so that the arguments of the call
 * that is running stay where they are.
 *
 * Nested calls: in the place of an answer to HOST_CALL there may be a CALL. The guest runs it, puts
 * RETURN or FAILED into OUT and rings RETURN; then the answer is there, or another CALL. It may
 * call imports meanwhile, with a @reply_at behind the nested call's arguments.
 *
 * @resume_pc, @resume_sp, @resume_tls: in READY, RETURN and FAILED, where the guest wants to be
 *   entered again after a restore: the PC is called with SP and TLS so, the boot page's address as
 *   its first argument, and waits for a CALL. No other register is kept in a snapshot.
 */
struct sconce_frame {
    uint32_t kind;       /* SCONCE_FRAME_* */
    uint32_t index;      /* of the export or import */
    uint32_t slot_count; /* at most SCONCE_MAX_PARAMS */
    int32_t code;        /* of a failure or abort */
    uint64_t used_bytes; /* the whole message from the start of the frame */
    uint64_t reply_at;   /* HOST_CALL, ON_FAULT: offset in IN, a multiple of 16 */
    uint64_t resume_pc;
    uint64_t resume_sp;
    uint64_t resume_tls;
    uint64_t reserved0;
};

/* ---- Fault handlers -------------------------------------------------------------------------- */

/* A handler's stack has at least this many bytes, and starts at a multiple of 16. */
#define SCONCE_FAULT_STACK_LEAST 4096u

/**
 * struct sconce_fault_report - what a fault handler is given; the registers follow it.
 *
 * A frame ON_FAULT registers a function of the guest's own code and a stack for it, in one range of
 * memory that the guest can write and snapshots hold. Its answer is a HOST_RETURN with a result of
 * type none at the @reply_at that the guest asked for, or a HOST_FAILED where the backend cannot go
 * on after a fault. Slots of 0 take the handler away. It lasts until then, snapshots included.
 *
 * When the guest faults, the host writes this report at the top of that stack, 16-byte aligned, and
 * enters the handler as a C function whose argument is the report's address. FAULT_DONE, rung by
 * the handler, has the host take the registers from there and the guest go on with them: at the
 * instruction that faulted, when PC is as it was. A handler may also just never come back.
 *
 * A fault with SP within the handler's stack is the handler's own, and ends the guest. So does one
 * more fault than the host's limit of traps.
 *
 * @regs_bytes: of what follows this struct: the file SCONCE_REGS_STANDARD of the architecture, as
 *   sconce-regs-ARCH.h of the plugin ABI has it.
 */
struct sconce_fault_report {
    uint32_t kind;   /* SCONCE_FAULT_* of the plugin ABI: 1 memory, 2 illegal instruction, ... */
    uint32_t access; /* 1 read, 2 write, 3 execute; 0 unknown */
    uint64_t address;
    uint64_t pc;
    uint64_t detail; /* the architecture's own */
    uint64_t regs_bytes;
    uint64_t reserved0;
};

/* ---- The boot page --------------------------------------------------------------------------- */

#define SCONCE_BOOT_MAGIC 0x544f4f42434e5353ull /* "SSNCBOOT" */

/**
 * struct sconce_boot - read-only to the guest; its address is the first argument at entry.
 *
 * @window_addr: where what the host attaches lies, read-only to the guest; 0 where the host gives
 * no window. It stays the same as long as the guest lives, but another host's, or another sandbox's
 *   that begins as the same snapshot, may be elsewhere.
 * @window_bytes: what is attached now; 0: nothing. It changes only while the guest waits at READY,
 *   and is 0 after a restore. Bytes behind it, up to the window's end, are zero.
 *
 * Sizes are in bytes. The stack grows down from @stack_top; unmapped memory lies below it.
 *
 * @rewound_sp: not 0 behind a READY doorbell when memory was put back to a snapshot meanwhile, and
 *   registers were not. The guest goes on as if it were entered after a restore, with this stack
 *   pointer, and does what else is to be done to registers itself. Its thread pointer is the
 *   snapshot's. It is 0 behind every other doorbell.
 *
 * @turn_addr: of the turn word, 32 bits in memory that the guest can write; SCONCE_TURN_ANSWERED
 *   tells what it is for. 0 from hosts that have none.
 * @turn_spins: how many looks at it are worth the guest's time. The host changes it at any time; 0:
 *   it does not look.
 */
struct sconce_boot {
    uint64_t magic;
    uint32_t abi;        /* the host's SCONCE_GUEST_ABI_CURRENT */
    uint32_t boot_bytes; /* sizeof this struct as the host knows it */
    uint64_t generation; /* 0 when the guest starts; another value after each restore */
    uint64_t features;   /* SCONCE_BOOT_FEATURE_*; none yet */
    uint64_t image_base; /* what was added to the ELF file's addresses */
    uint64_t image_end;
    uint64_t in_addr; /* host to guest, read-only */
    uint64_t in_bytes;
    uint64_t out_addr; /* guest to host */
    uint64_t out_bytes;
    uint64_t heap_addr;
    uint64_t heap_bytes;
    uint64_t stack_top;
    uint64_t stack_bytes;
    uint8_t seed[32];    /* fresh random bytes at creation and after each restore */
    uint64_t args_addr;  /* @arg_count strings for main, each with its NUL, one behind the other; */
    uint64_t args_bytes; /* the first is the program's name */
    uint64_t env_addr;   /* the same for the environment: @env_count times NAME=VALUE */
    uint64_t env_bytes;
    uint32_t arg_count; /* 0 from hosts that have guest ABI 1 */
    uint32_t env_count;
    uint64_t rewound_sp; /* from hosts that have guest ABI 2; else 0 */
    uint64_t turn_addr;
    uint32_t turn_spins;
    uint32_t reserved0;
    uint64_t window_addr;
    uint64_t window_bytes;
};

/* ---- ELF notes and tables -------------------------------------------------------------------- */

#ifndef SCONCE_NOTE_OWNER
#define SCONCE_NOTE_OWNER "SCONCE"
#define SCONCE_NOTE_PLUGIN 1u
#define SCONCE_NOTE_GUEST 2u
#endif

/* Who applies the image's relative relocations. */
#define SCONCE_RELOC_HOST 1u
#define SCONCE_RELOC_SELF 2u

/* The descriptor of note SCONCE_NOTE_GUEST, in .note.sconce.guest. */
struct sconce_guest_note {
    uint32_t abi;   /* SCONCE_GUEST_ABI_* that the guest was built against */
    uint32_t reloc; /* SCONCE_RELOC_* */
    uint32_t reserved[2];
};

#define SCONCE_SECTION_EXPORTS "sconce_exports"
#define SCONCE_SECTION_IMPORTS "sconce_imports"

/*
 * One export or import. Both sections are arrays of these; a function's index is its place in the
 * array. Pointers are image addresses after relocation.
 * @entry: an export's thunk (called by the guest's own loop with the index; the host only checks
 *   that it points into executable image); 0 for an import.
 */
struct sconce_function {
    uint32_t bytes; /* sizeof this struct */
    uint32_t flags; /* 0 */
    uint64_t name;  /* address of a NUL-terminated name */
    uint64_t entry;
    char signature[SCONCE_SIGNATURE_BYTES];
};

#ifdef __cplusplus
#define SCONCE_GUEST_ASSERT(c, t) static_assert(c, t)
#else
#define SCONCE_GUEST_ASSERT(c, t) _Static_assert(c, t)
#endif
SCONCE_GUEST_ASSERT(sizeof(struct sconce_slot) == 16, "slots are 16 bytes");
SCONCE_GUEST_ASSERT(sizeof(struct sconce_frame) == 64, "the frame header is 64 bytes");
SCONCE_GUEST_ASSERT(sizeof(struct sconce_fault_report) == 48, "a fault report's head is fixed");
SCONCE_GUEST_ASSERT(sizeof(struct sconce_boot) == 224, "the boot page's head is fixed");
SCONCE_GUEST_ASSERT(offsetof(struct sconce_boot, rewound_sp) == SCONCE_BOOT_REWOUND_SP_AT,
                    "assembly finds it there");
SCONCE_GUEST_ASSERT(offsetof(struct sconce_boot, out_addr) == SCONCE_BOOT_OUT_ADDR_AT &&
                        offsetof(struct sconce_boot, turn_addr) == SCONCE_BOOT_TURN_ADDR_AT &&
                        offsetof(struct sconce_boot, turn_spins) == SCONCE_BOOT_TURN_SPINS_AT,
                    "assembly finds them there");
SCONCE_GUEST_ASSERT(sizeof(struct sconce_guest_note) == 16, "the note's descriptor is 16 bytes");
SCONCE_GUEST_ASSERT(sizeof(struct sconce_function) == 48, "a table entry is 48 bytes");

#endif /* __ASSEMBLER__ */

#endif
