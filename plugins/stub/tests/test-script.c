/* SPDX-License-Identifier: Apache-2.0 */
/* The script language: what each verb does to OUT and to the exit, and what is refused where. */
#include "fixture.h"

static void assert_text(struct core *core, const char *text)
{
    if (!strstr(core->err.text, text))
        fail_msg("the text is \"%s\", without \"%s\"", core->err.text, text);
}

static void assert_doorbell(struct core *core, uint32_t number)
{
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_DOORBELL);
    assert_int_equal(core->exit.u.doorbell.number, number);
}

static struct sconce_slot out_slot(struct core *core, uint32_t i)
{
    struct sconce_slot slot;

    memcpy(&slot, core_out(core) + sizeof(struct sconce_frame) + i * sizeof slot, sizeof slot);
    return slot;
}

/* ---- what is refused ---- */

static void test_configure_bad_lines_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *script, *text;
    } bad[] = {
        {"ready\nreddy\n", ":2: reddy: no such verb"},
        {"return i32 2147483648\n", ":1: return: i32 needs"},
        {"return u32 -1\n", "u32 needs"},
        {"return bool 2\n", "bool needs"},
        {"return f64 1,5\n", "f64 needs"},
        {"return string hi\n", "string needs"},
        {"return bytes abc\n", "bytes needs"},
        {"return arg 16\n", "arg needs"},
        {"return 7\n", "a value starts with"},
        {"return\n", "needs one value"},
        {"return i32 1 i32 2\n", "needs one value"},
        {"ready now\n", "too many words"},
        {"print \"x\n", "does not end"},
        {"print \"\\q\"\n", "unknown escape"},
        {"print \"a\"\"b\"\n", "a blank must follow"},
        {"\"ready\"\n", "starts with a verb"},
        {"goto nowhere\n", ":1: nowhere: no line has this label"},
        {"a:\na:\n", ":2: a: this label stands"},
        {"fault strange\n", "needs a kind"},
        {"fault memory 1 sideways\n", "takes an address"},
        {"error bad \"x\"\n", "needs a status"},
        {"expect nothing\n", "needs call"},
        {"prepare doorbell 1\n", "needs ready"},
        {"out 0 123\n", "pairs of hex digits"},
        {"syscall 1 2 3 4 5 6 7 8\n", "too many words"},
        {"fail 1\n", "needs a text"},
        {"host-call -1\n", "function's number"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct core *core = *state;

        assert_int_equal(core_configure(core, bad[i].script), SCONCE_PLUGIN_E_INVALID);
        assert_text(core, bad[i].text);
        unlink(core->path);
    }
}

static void test_configure_file_with_nul_is_refused(void **state)
{
    struct core *core = *state;
    const char *path = "/proc/self/exe";

    assert_true(core->ops->configure("script", path, core_err(core)) < 0);
}

static void test_configure_missing_file_is_unavailable(void **state)
{
    struct core *core = *state;

    assert_int_equal(core->ops->configure("script", "/nonexistent/script", core_err(core)),
                     SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_text(core, "cannot open the script /nonexistent/script: No such file");
    assert_int_equal(core->err.domain, SCONCE_DOMAIN_ERRNO);
}

static void test_configure_relative_path_is_refused_with_hint(void **state)
{
    struct core *core = *state;

    assert_int_equal(core->ops->configure("script", "x.stub", core_err(core)),
                     SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(core->err.hint, "give its absolute path");
}

static void test_configure_unknown_key_is_refused(void **state)
{
    struct core *core = *state;

    assert_int_equal(core->ops->configure("skript", "", core_err(core)), SCONCE_PLUGIN_E_INVALID);
    assert_text(core, "no setting skript");
}

/* ---- frames ---- */

static void test_ready_offers_the_entry_to_resume_at(void **state)
{
    struct core *core = *state;
    struct sconce_entry entry = core_entry();
    struct sconce_frame frame;

    core_play(core, "ready\n");
    assert_int_equal(core->ops->vcpu_set_tls(core->vm, 0x3000, core_err(core)), 0);
    assert_doorbell(core, SCONCE_DOORBELL_READY);

    frame = core_out_frame(core);
    assert_int_equal(frame.kind, SCONCE_FRAME_READY);
    assert_int_equal(frame.resume_pc, entry.pc);
    assert_int_equal(frame.resume_sp, entry.sp);
    assert_int_equal(frame.resume_tls, 0x3000);
    assert_int_equal(frame.used_bytes, sizeof frame);
}

static void test_return_writes_every_type_bit_exact(void **state)
{
    static const struct {
        const char *script;
        uint32_t type;
        uint64_t bits;
    } values[] = {
        {"return none\n", SCONCE_TYPE_NONE, 0},
        {"return bool true\n", SCONCE_TYPE_BOOL, 1},
        {"return i32 -2\n", SCONCE_TYPE_I32, 0xfffffffe},
        {"return u32 4294967295\n", SCONCE_TYPE_U32, 0xffffffff},
        {"return i64 -9223372036854775808\n", SCONCE_TYPE_I64, 1ull << 63},
        {"return u64 0xffffffffffffffff\n", SCONCE_TYPE_U64, UINT64_MAX},
        {"return f32 0x7fc00123\n", SCONCE_TYPE_F32, 0x7fc00123},
        {"return f32 1.5\n", SCONCE_TYPE_F32, 0x3fc00000},
        {"return f64 -0.5\n", SCONCE_TYPE_F64, 0xbfe0000000000000},
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct core *core = *state;

        core_play(core, values[i].script);
        assert_doorbell(core, SCONCE_DOORBELL_READY);
        assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_RETURN);
        assert_int_equal(out_slot(core, 0).type, values[i].type);
        assert_int_equal(out_slot(core, 0).value, values[i].bits);
        core->ops->vm_destroy(core->vm);
        core->vm = NULL;
        unlink(core->path);
    }
}

static void test_return_string_has_escapes_and_a_nul_behind(void **state)
{
    struct core *core = *state;
    struct sconce_slot slot;

    core_play(core, "return string \"a\\n\\x00\\\"\\\\z\"  # a comment\n");
    assert_doorbell(core, SCONCE_DOORBELL_READY);

    slot = out_slot(core, 0);
    assert_int_equal(slot.type, SCONCE_TYPE_STRING);
    assert_int_equal(slot.length, 6);
    assert_memory_equal(core_out(core) + slot.value, "a\n\0\"\\z\0", 7);
}

static void test_arg_echoes_what_the_call_holds(void **state)
{
    struct core *core = *state;

    core_play(core, "ready\nexpect call 5 u64 77\nreturn arg 0\n");
    assert_doorbell(core, SCONCE_DOORBELL_READY);
    core_put(core, 0, SCONCE_FRAME_CALL, 5, SCONCE_TYPE_U64, 77);
    assert_doorbell(core, SCONCE_DOORBELL_READY);

    assert_int_equal(out_slot(core, 0).type, SCONCE_TYPE_U64);
    assert_int_equal(out_slot(core, 0).value, 77);
}

static void test_nested_call_lies_where_the_answer_was_due(void **state)
{
    struct core *core = *state;

    core_play(core, "host-call 0\n"
                    "expect nested-call 6 i32 9\n"
                    "nested-return i32 10\n"
                    "nested-fail 3 \"no\"\n"
                    "expect nested-call 7\n");
    core_put(core, 0, SCONCE_FRAME_CALL, 5, SCONCE_TYPE_I32, 8);
    assert_doorbell(core, SCONCE_DOORBELL_HOST_CALL);
    core_put(core, core_out_frame(core).reply_at, SCONCE_FRAME_CALL, 6, SCONCE_TYPE_I32, 9);
    assert_doorbell(core, SCONCE_DOORBELL_RETURN);
    assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_RETURN);
    assert_int_equal(out_slot(core, 0).value, 10);
    assert_doorbell(core, SCONCE_DOORBELL_RETURN);
    assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_FAILED);
    assert_int_equal(core_run(core), SCONCE_PLUGIN_E_INVALID);
    assert_text(core, "expected kind 2, index 7");
}

static void test_host_call_reply_goes_behind_the_call(void **state)
{
    struct core *core = *state;
    struct sconce_frame frame;

    core_play(core, "ready\nhost-call 2 string \"x\" arg 0\nexpect host-return i32 9\n"
                    "return reply\n");
    assert_doorbell(core, SCONCE_DOORBELL_READY);
    core_put(core, 0, SCONCE_FRAME_CALL, 0, SCONCE_TYPE_BOOL, 1);
    assert_doorbell(core, SCONCE_DOORBELL_HOST_CALL);
    frame = core_out_frame(core);
    assert_int_equal(frame.kind, SCONCE_FRAME_HOST_CALL);
    assert_int_equal(frame.index, 2);
    assert_int_equal(frame.slot_count, 2);
    assert_int_equal(frame.reply_at, 80);

    core_put(core, frame.reply_at, SCONCE_FRAME_HOST_RETURN, 0, SCONCE_TYPE_I32, 9);
    assert_doorbell(core, SCONCE_DOORBELL_READY);
    assert_int_equal(out_slot(core, 0).value, 9);
}

static void test_print_and_abort_ring_their_doorbells(void **state)
{
    struct core *core = *state;

    core_play(core, "print \"hello\"\nabort -3 \"gone\"\n");
    assert_doorbell(core, SCONCE_DOORBELL_PRINT);
    assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_PRINT);
    assert_doorbell(core, SCONCE_DOORBELL_ABORT);
    assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_ABORT);
    assert_int_equal(core_out_frame(core).code, -3);
}

static void test_prepare_and_out_mutate_a_frame_before_its_doorbell(void **state)
{
    struct core *core = *state;

    core_play(core, "prepare ready\nout 8 ffffffff\ndoorbell 1\n");
    assert_doorbell(core, 1);

    assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_READY);
    assert_int_equal(core_out_frame(core).slot_count, UINT32_MAX);
}

/* ---- expectations ---- */

static void test_expect_call_tells_what_differs(void **state)
{
    static const struct {
        const char *script, *text;
    } cases[] = {
        {"ready\nexpect call 4 u64 77\n", "expected kind 2, index 4"},
        {"ready\nexpect call 5 u64 78\n", "value 0 is not the one expected"},
        {"ready\nexpect call 5 i64 77\n", "value 0 is not the one expected"},
        {"ready\nexpect call 5\n", "has 1 values; expected 0"},
        {"ready\nexpect call 5 u64 77 u64 1\n", "has 1 values; expected 2"},
        {"ready\nexpect host-return none\n", "expected kind 6"},
        {"ready\nexpect in 0 03\n", "byte 0 of IN is 0x02; expected 0x03"},
        {"ready\nexpect in 65536 00\n", "IN has only 65536 bytes"},
        {"ready\nexpect result 0\n", "no system call was completed"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct core *core = *state;

        core_play(core, cases[i].script);
        assert_doorbell(core, SCONCE_DOORBELL_READY);
        core_put(core, 0, SCONCE_FRAME_CALL, 5, SCONCE_TYPE_U64, 77);
        assert_int_equal(core_run(core), SCONCE_PLUGIN_E_INVALID);
        assert_text(core, ":2: ");
        assert_text(core, cases[i].text);
        core->ops->vm_destroy(core->vm);
        core->vm = NULL;
        unlink(core->path);
    }
}

static void test_expect_call_with_ellipsis_takes_more_arguments(void **state)
{
    struct core *core = *state;

    core_play(core, "ready\nexpect call 5 ...\nexpect in 0 02000000\nreturn none\n");
    assert_doorbell(core, SCONCE_DOORBELL_READY);
    core_put(core, 0, SCONCE_FRAME_CALL, 5, SCONCE_TYPE_U64, 77);
    assert_doorbell(core, SCONCE_DOORBELL_READY);
}

static void test_frame_without_the_boot_page_as_argument_is_refused(void **state)
{
    struct core *core = *state;
    struct sconce_entry entry = core_entry();

    assert_int_equal(core_configure(core, "ready\n"), 0);
    core_create(core);
    entry.args[0] = 0;
    assert_int_equal(core->ops->vcpu_enter(core->vm, &entry, core_err(core)), 0);

    assert_int_equal(core_run(core), SCONCE_PLUGIN_E_INVALID);
    assert_text(core, "the boot page is at 0x500000");
}

static void test_frame_with_an_empty_boot_page_is_refused(void **state)
{
    struct core *core = *state;

    core_play(core, "ready\n");
    memset(core->memory + SCONCE_MEM_GRANULE, 0, SCONCE_MEM_GRANULE);

    assert_int_equal(core_run(core), SCONCE_PLUGIN_E_INVALID);
    assert_text(core, "the boot page is not filled in");
}

/* ---- where the script goes on ---- */

static void test_repeat_goes_back_so_often_and_counts_anew(void **state)
{
    struct core *core = *state;

    core_play(core, "a:\ndoorbell 10\nrepeat 2 a\ndoorbell 20\nloop\n");
    for (int round = 0; round < 2; round++) {
        assert_doorbell(core, 10);
        assert_doorbell(core, 10);
        assert_doorbell(core, 10);
        assert_doorbell(core, 20);
    }
}

static void test_reset_goes_on_where_the_script_was(void **state)
{
    struct core *core = *state;

    core_play(core, "doorbell 1\ndoorbell 2\n");
    assert_doorbell(core, 1);
    assert_int_equal(core->ops->vcpu_reset(core->vm, core_err(core)), 0);
    core_enter(core);
    assert_doorbell(core, 2);
}

static void test_reset_goes_to_its_label_when_there_is_one(void **state)
{
    struct core *core = *state;

    core_play(core, "doorbell 1\ndoorbell 2\non-reset:\ndoorbell 3\n");
    assert_doorbell(core, 1);
    assert_int_equal(core->ops->vcpu_reset(core->vm, core_err(core)), 0);
    core_enter(core);
    assert_doorbell(core, 3);
}

static void test_script_end_is_a_fail_exit(void **state)
{
    struct core *core = *state;

    core_play(core, "# nothing\n");
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(core->exit.u.fail.text, "the script has ended");
}

static void test_endless_script_is_a_fail_exit(void **state)
{
    struct core *core = *state;

    core_play(core, "a:\ngoto a\n");
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_FAIL);
    assert_string_equal(core->exit.u.fail.text, "the script loops without an exit");
}

static void test_error_is_the_ops_failure(void **state)
{
    struct core *core = *state;

    core_play(core, "error system \"the mechanism is tired\"\nerror dead \"gone\"\nready\n");
    assert_int_equal(core_run(core), SCONCE_PLUGIN_E_SYSTEM);
    assert_string_equal(core->err.text, "the mechanism is tired");
    assert_int_equal(core_run(core), SCONCE_PLUGIN_E_DEAD);
    assert_int_equal(core_run(core), SCONCE_PLUGIN_E_DEAD);
}

static void test_other_exits_have_their_kinds(void **state)
{
    struct core *core = *state;

    core_play(core, "cancelled\ndebug\nexit 99\nshutdown\n");
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_CANCELLED);
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_DEBUG);
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, 99);
    assert_int_equal(core_run(core), 0);
    assert_int_equal(core->exit.kind, SCONCE_EXIT_SHUTDOWN);
}

static void test_no_script_fails_calls_and_says_what_to_do(void **state)
{
    struct core *core = *state;

    core_create(core);
    core_enter(core);
    assert_doorbell(core, SCONCE_DOORBELL_READY);
    for (int i = 0; i < 2; i++) {
        assert_doorbell(core, SCONCE_DOORBELL_READY);
        assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_FAILED);
    }
    assert_int_equal(core->ops->vcpu_reset(core->vm, core_err(core)), 0);
    core_enter(core);
    assert_doorbell(core, SCONCE_DOORBELL_READY);
    assert_int_equal(core_out_frame(core).kind, SCONCE_FRAME_FAILED);
}

/* ---- sharing ---- */

static void test_configure_leaves_living_vms_their_script(void **state)
{
    struct core *core = *state;
    struct core other = *core;

    core_play(core, "doorbell 1\ndoorbell 2\n");
    assert_doorbell(core, 1);
    assert_int_equal(core_configure(&other, "doorbell 7\n"), 0);
    assert_doorbell(core, 2);

    unlink(other.path);
}

static void test_probe_names_the_script(void **state)
{
    struct core *core = *state;
    struct sconce_probe probe = {.size = sizeof probe};

    assert_int_equal(core_configure(core, "ready\nloop\n"), 0);
    assert_int_equal(core->ops->probe(&probe, core_err(core)), 0);
    assert_true(probe.caps & SCONCE_CAP_SCRIPTED);
    assert_non_null(strstr(probe.description, core->path));
    assert_non_null(strstr(probe.description, "2 steps"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_configure_bad_lines_are_refused_with_their_place),
        T(test_configure_file_with_nul_is_refused),
        T(test_configure_missing_file_is_unavailable),
        T(test_configure_relative_path_is_refused_with_hint),
        T(test_configure_unknown_key_is_refused),
        T(test_ready_offers_the_entry_to_resume_at),
        T(test_return_writes_every_type_bit_exact),
        T(test_return_string_has_escapes_and_a_nul_behind),
        T(test_arg_echoes_what_the_call_holds),
        T(test_host_call_reply_goes_behind_the_call),
        T(test_nested_call_lies_where_the_answer_was_due),
        T(test_print_and_abort_ring_their_doorbells),
        T(test_prepare_and_out_mutate_a_frame_before_its_doorbell),
        T(test_expect_call_tells_what_differs),
        T(test_expect_call_with_ellipsis_takes_more_arguments),
        T(test_frame_without_the_boot_page_as_argument_is_refused),
        T(test_frame_with_an_empty_boot_page_is_refused),
        T(test_repeat_goes_back_so_often_and_counts_anew),
        T(test_reset_goes_on_where_the_script_was),
        T(test_reset_goes_to_its_label_when_there_is_one),
        T(test_script_end_is_a_fail_exit),
        T(test_endless_script_is_a_fail_exit),
        T(test_error_is_the_ops_failure),
        T(test_other_exits_have_their_kinds),
        T(test_no_script_fails_calls_and_says_what_to_do),
        T(test_configure_leaves_living_vms_their_script),
        T(test_probe_names_the_script),
    };

    return cmocka_run_group_tests_name("stub-script", tests, NULL, NULL);
}
