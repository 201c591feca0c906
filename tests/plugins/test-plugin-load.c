/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/plugin-find.c, plugin-load.c, plugin-probe.c with real files: each way in which a plugin can
 * be wrong has a plugin here and a message of its own; and what a good one gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plugin-probe.h"
#include "tests/plugins/stage.h"

#define TRUST_HINT                                                                                 \
    "keep backends below directories that only root or you can write; while developing, "          \
    "allow_untrusted_plugins = yes skips this check"

static int find(struct stage *stage, const char *name, struct sconce_plugin_found *ret_found)
{
    const struct sconce_settings *settings = sconce_config_settings(stage->config);

    memset(&stage->err, 0, sizeof stage->err);
    return sconce_plugin_find(settings->plugin_dir, name, settings->allow_untrusted_plugins,
                              ret_found, &stage->err);
}

/* All of it: find, load, probe. */
static int load(struct stage *stage, const char *name, struct sconce_plugin_file **ret_file,
                struct sconce_backend **ret_backend)
{
    struct sconce_plugin_found found;
    int r = find(stage, name, &found);

    if (r == 0)
        r = sconce_plugin_load(&found, &stage->log, ret_file, &stage->err);
    if (r < 0)
        return r;
    r = sconce_plugin_probe(*ret_file, stage->config, &stage->log, ret_backend, &stage->err);
    if (r < 0)
        sconce_plugin_put(*ret_file, &stage->log);
    return r;
}

/* ---- Misbehaving plugins --------------------------------------------------------------------- */

struct refusal {
    const char *name;
    const char *text; /* behind "cannot load FILE: "; or whole, when it begins with the name */
    const char *hint;
};

static const struct refusal refusals[] = {
    /* before any of its code runs */
    {"not-elf", "it is not an ELF file", ""},
    {"no-note", "it has no SCONCE note, so it is no backend", ""},
    {"long-note", "its note is longer than 4096 bytes", ""},
    {"note-name", "its note names backend \"other\", its file \"note-name\"", ""},
    {"isolation-word", "its note says isolation=container, which is none of vm, process, none", ""},
    {"too-new", "it is too new: its note says plugin ABI 9.0, and this Sconce has 1.0",
     "install a newer Sconce"},
    /* by its symbols */
    {"no-entry", "it does not export sconce_plugin_entry_v1", ""},
    {"entry-v0",
     "it is too old: it has sconce_plugin_entry_v0, and this Sconce calls sconce_plugin_entry_v1",
     "install a newer backend"},
    {"entry-v2",
     "it is too new: it has sconce_plugin_entry_v2, and this Sconce calls sconce_plugin_entry_v1",
     "install a newer Sconce"},
    /* by its entry */
    {"entry-null", "its entry refused: this core has no frobnicator", "get one"},
    {"entry-silent", "its entry refused: it failed without saying why", ""},
    /* by its descriptor */
    {"bad-magic",
     "its magic number is 0xdeadbeef, not 0x45434e53: it was built for another program", ""},
    {"short-descriptor", "its descriptor says that it has 16 bytes, where 64 are the least", ""},
    {"odd-descriptor", "its descriptor says that it has 68 bytes, where 64 are the least", ""},
    {"abi-major", "it speaks plugin ABI 2.0, and this Sconce only 1.x",
     "install the backend and Sconce from the same release"},
    {"abi-minor", "its descriptor says plugin ABI 1.1, its note 1.0", ""},
    {"needs-newer", "it needs plugin ABI 1.1 or later, and this Sconce has 1.0",
     "install a newer Sconce"},
    {"reserved", "a reserved field of its descriptor is not 0", ""},
    {"thread-model", "it asks for thread model 7, which this Sconce does not know", ""},
    {"wrong-name", "its descriptor says name \"other\", its note \"wrong-name\"", ""},
    {"null-name", "its descriptor has no name", ""},
    {"wrong-arch", "its descriptor says architecture \"aarch64\", its note \"x86_64\"", ""},
    {"wrong-mechanism", "its descriptor says mechanism \"kvm\", its note \"parts\"", ""},
    {"wrong-isolation", "its descriptor says isolation \"vm\", its note \"none\"", ""},
    /* by its operations and extensions */
    {"null-ops", "its descriptor has no operations", ""},
    {"short-ops", "its table of operations says that it has 8 bytes", ""},
    {"null-op", "it lacks the required operation vcpu_run", ""},
    {"settings-null", "it publishes 2 settings, but no list of them", ""},
    {"settings-deaf", "it publishes settings, but lacks the operation configure", ""},
    {"settings-key", "the key of its setting 0 is malformed", ""},
    {"arch-machine", "its sconce.arch/1 is for ELF machine 183, its note says 62", ""},
    {"regs-short", "its sconce.regs/1 says that it has 8 bytes", ""},
    /* by its probe */
    {"probe-fails", "probe-fails: cannot open /dev/frob  [2J ", "make /dev/frob"},
    {"probe-lies", "probe-lies: its probe reports kick style 9, which this Sconce does not know",
     ""},
    {"probe-status", "probe-status: it answered 42, which the plugin ABI does not know", ""},
};

#define REFUSAL_COUNT (sizeof refusals / sizeof refusals[0])

static void expect_refusal(struct stage *stage, const struct refusal *refusal)
{
    struct sconce_plugin_file *file = NULL;
    struct sconce_backend *backend = NULL;
    char expected[1024];
    bool by_name = !strncmp(refusal->text, refusal->name, strlen(refusal->name));
    int r = load(stage, refusal->name, &file, &backend);

    snprintf(expected, sizeof expected, "cannot load %s: %s", stage_plugin(stage, refusal->name),
             refusal->text);
    assert_true(r == SCONCE_E_NO_BACKEND || (by_name && r == SCONCE_E_BACKEND));
    if (strstr(refusal->text, "[2J"))
        assert_memory_equal(stage->err.text, refusal->text, strlen(refusal->text));
    else
        assert_string_equal(stage->err.text, by_name ? refusal->text : expected);
    assert_string_equal(stage->err.hint, refusal->hint);
    assert_null(backend);
}

static void test_load_misbehaving_plugin_is_refused_with_its_own_text(void **state)
{
    struct stage *stage = *state;
    size_t i;

    for (i = 0; i < REFUSAL_COUNT; i++) {
        stage_install(stage, refusals[i].name);
        expect_refusal(stage, &refusals[i]);
    }
}

/* Entered once, refused for good: the same words again, and the entry is not called again. */
static void test_load_refused_plugin_is_refused_again_the_same(void **state)
{
    struct stage *stage = *state;
    size_t i;

    for (i = 0; i < REFUSAL_COUNT; i++) {
        stage_install(stage, refusals[i].name);
        expect_refusal(stage, &refusals[i]);
        stage->logged[0] = '\0';
        expect_refusal(stage, &refusals[i]);
        assert_null(strstr(stage->logged, "about to refuse"));
    }
}

static void test_load_refusals_all_differ(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < REFUSAL_COUNT; i++)
        for (j = 0; j < i; j++)
            assert_string_not_equal(refusals[i].text, refusals[j].text);
}

static void test_load_undefined_symbol_gives_the_linkers_words(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "undefined");
    assert_int_equal(load(stage, "undefined", &file, &backend), SCONCE_E_NO_BACKEND);

    assert_non_null(strstr(stage->err.text, "sconce-backend-undefined.so: "));
    assert_non_null(
        strstr(stage->err.text, "undefined symbol: sconce_symbol_that_nothing_defines"));
}

static void test_load_probe_failure_text_is_one_terminated_line(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "probe-fails");
    assert_int_equal(load(stage, "probe-fails", &file, &backend), SCONCE_E_NO_BACKEND);

    /* 320 bytes of text without a NUL, then what its errno means. */
    assert_non_null(strstr(stage->err.text, "xxx: Permission denied"));
    assert_null(strchr(stage->err.text, '\n'));
    assert_null(strchr(stage->err.text, '\x1b'));
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* A copy of a good plugin with one byte of its ELF header changed. */
static void install_patched(struct stage *stage, size_t at, char value)
{
    static char data[4 << 20];
    size_t bytes = stage_built("good", data, sizeof data);

    data[at] = value;
    scratch_bytes(stage->root, "plugins/sconce-backend-good.so", data, bytes);
}

static void expect_find_error(struct stage *stage, const char *behind)
{
    struct sconce_plugin_found found;
    char expected[1024];

    snprintf(expected, sizeof expected, "cannot load %s: %s", stage_plugin(stage, "good"), behind);
    assert_int_equal(find(stage, "good", &found), SCONCE_E_NO_BACKEND);
    assert_string_equal(stage->err.text, expected);
    assert_false(found.absent);
}

static void test_find_other_machine_is_refused(void **state)
{
    char behind[128];

    install_patched(*state, 18, (char)0xf3); /* e_machine: RISC-V */

#if defined(__x86_64__)
    snprintf(behind, sizeof behind, "it is built for riscv64, this program for x86_64");
    expect_find_error(*state, behind);
#else
    struct sconce_plugin_found found;

    snprintf(behind, sizeof behind, "it is built for riscv64, this program for ");
    assert_int_equal(find(*state, "good", &found), SCONCE_E_NO_BACKEND);
    assert_non_null(strstr(((struct stage *)*state)->err.text, behind));
#endif
}

static void test_find_other_byte_order_is_refused(void **state)
{
    install_patched(*state, 5, 2); /* EI_DATA: most significant byte first */

    expect_find_error(*state, "it is built for machines of another word size or byte order");
}

static void test_find_program_is_refused(void **state)
{
    install_patched(*state, 16, 2); /* e_type: ET_EXEC */

    expect_find_error(*state, "it is not a shared object (its ELF type is 2)");
}

static void test_find_truncated_file_is_refused(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_found found;
    off_t bytes;

    stage_install(stage, "good");
    for (bytes = 0; bytes < 4096; bytes += 61) {
        assert_int_equal(truncate(stage_plugin(stage, "good"), 4096 - bytes), 0);
        if (find(stage, "good", &found) == 0)
            continue; /* the note is still there */
        assert_int_equal(stage->err.code, SCONCE_E_NO_BACKEND);
        assert_non_null(strstr(stage->err.text, "cannot load "));
    }
    assert_int_equal(stage->err.code, SCONCE_E_NO_BACKEND);
}

static void test_find_directory_in_place_of_the_file_is_refused(void **state)
{
    struct stage *stage = *state;

    scratch_dir(stage->root, "plugins/sconce-backend-good.so");

    expect_find_error(stage, "it is not a regular file");
}

static void test_find_fifo_in_place_of_the_file_is_refused_without_waiting(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(mkfifo(stage_plugin(stage, "good"), 0600), 0);

    expect_find_error(stage, "it is not a regular file");
}

static void test_find_missing_file_is_not_installed(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_found found;
    char expected[1024];

    snprintf(expected, sizeof expected, "backend \"good\" is not installed: there is no %s",
             stage_plugin(stage, "good"));
    assert_int_equal(find(stage, "good", &found), SCONCE_E_NO_BACKEND);

    assert_string_equal(stage->err.text, expected);
    assert_true(found.absent);
}

static void test_find_missing_directory_is_not_installed(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_found found;

    stage_set(stage, "runtime.plugin_dir", "/nonexistent/plugins");
    assert_int_equal(find(stage, "good", &found), SCONCE_E_NO_BACKEND);

    assert_string_equal(stage->err.text, "backend \"good\" is not installed: there is no "
                                         "/nonexistent/plugins/sconce-backend-good.so");
    assert_true(found.absent);
}

static void test_find_name_that_is_a_path_is_refused(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_found found;

    scratch_dir(stage->root, "plugins/sconce-backend-x");
    assert_int_equal(find(stage, "x/../../plugins/good", &found), SCONCE_E_NO_BACKEND);

    assert_string_equal(stage->err.text, "\"x/../../plugins/good\" is no backend name");
    assert_false(found.absent);
}

static void test_find_reads_the_note(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_found found;

    stage_install(stage, "vm-arm");
    assert_int_equal(find(stage, "vm-arm", &found), 0);

    assert_string_equal(found.path, stage_plugin(stage, "vm-arm"));
    assert_int_equal(found.facts.abi_major, SCONCE_PLUGIN_ABI_MAJOR);
    assert_int_equal(found.facts.abi_minor, SCONCE_PLUGIN_ABI_MINOR);
    assert_int_equal(found.facts.machine, 183);
    assert_string_equal(found.facts.name, "vm-arm");
    assert_string_equal(found.facts.version, "1");
    assert_string_equal(found.facts.arch, "aarch64");
    assert_string_equal(found.facts.mechanism, "parts");
    assert_string_equal(found.facts.isolation, "vm");
    assert_string_equal(found.facts.status, "double");
    assert_string_equal(found.facts.requires_, "nothing");
}

/* ---- Trust ----------------------------------------------------------------------------------- */

static void test_find_directory_that_others_can_write_is_refused(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_found found;
    char expected[1024];

    stage_install(stage, "good");
    scratch_mode(stage->root, "", 0777); /* whatever lies above it */
    stage_set(stage, "runtime.allow_untrusted_plugins", "no");
    assert_int_equal(find(stage, "good", &found), SCONCE_E_NO_BACKEND);

    snprintf(expected, sizeof expected, "cannot trust %s: /", stage_plugin(stage, "good"));
    assert_memory_equal(stage->err.text, expected, strlen(expected));
    assert_non_null(strstr(stage->err.text, " can be written by "));
    assert_string_equal(stage->err.hint, TRUST_HINT);
    assert_string_equal(found.facts.name, "");
}

static void test_find_directory_of_trust_is_checked_alone(void **state)
{
    struct stage *stage = *state;

    scratch_mode(stage->root, "", 0777);

    assert_int_equal(sconce_plugin_dir_trusted(stage->root, &stage->err), SCONCE_E_NO_BACKEND);
    assert_int_equal(sconce_plugin_dir_trusted("/nonexistent/plugins", &stage->err), 0);
}

/* ---- A good one ------------------------------------------------------------------------------ */

static void test_load_good_plugin_is_copied_and_complete(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_error error = {.size = sizeof error};
    struct sconce_plugin_file *file;
    struct sconce_backend *b;

    stage_install(stage, "vm-arm");
    assert_int_equal(load(stage, "vm-arm", &file, &b), 0);

    assert_string_equal(b->name, "vm-arm");
    assert_string_equal(b->arch_name, "aarch64");
    assert_string_equal(b->path, stage_plugin(stage, "vm-arm"));
    assert_int_equal(b->machine, 183);
    assert_true(b->probed);
    assert_int_equal(b->probe.kick_style, SCONCE_KICK_FLAG);
    assert_string_equal(b->probe.description,
                        "version 1, entered 1, released 0, mode plain, label -");
    assert_int_equal(b->arch.size, sizeof b->arch);
    assert_int_equal(b->arch.elf_machine, 183);
    assert_string_equal(b->arch.syscall_name(1), "one");
    assert_int_equal(b->regs.size, sizeof b->regs);
    assert_non_null(b->regs.get);
    assert_null(b->one_lock);

    /* Absent optional operations answer. */
    assert_int_equal(b->ops.mem_unmap(NULL, 0, 0, &error), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    assert_string_equal(error.text, "this backend does not support unmapping memory");
    assert_int_equal(b->ops.mem_sync_code(NULL, 0, 0, NULL), SCONCE_PLUGIN_E_NOT_SUPPORTED);
    sconce_plugin_put(file, &stage->log);
}

static void test_load_logs_what_the_plugin_says_and_one_line_of_its_own(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;
    char expected[1024];

    stage_install(stage, "good");
    assert_int_equal(load(stage, "good", &file, &backend), 0);

    snprintf(expected, sizeof expected,
             "good.entry: entered\n"
             "good.probe: probing in two lines\n"
             "backend.loaded: good 1 (plugin ABI 1.0) from %s: caps 0x40, version 1, entered 1, "
             "released 0, mode plain, label -\n",
             stage_plugin(stage, "good"));
    assert_string_equal(stage->logged, expected);
    sconce_plugin_put(file, &stage->log);
}

static void test_load_one_thread_model_gets_a_lock(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "good-one");
    assert_int_equal(load(stage, "good-one", &file, &backend), 0);

    assert_int_equal(backend->thread_model, SCONCE_THREADS_ONE);
    assert_int_equal(pthread_mutex_trylock(&backend->one_lock->mutex), 0);
    pthread_mutex_unlock(&backend->one_lock->mutex);
    sconce_plugin_put(file, &stage->log);
}

/* ---- Settings -------------------------------------------------------------------------------- */

static void test_probe_gives_settings_and_same_result_is_same_backend(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *first, *again, *other;

    stage_install(stage, "good");
    stage_set(stage, "backend.good.mode", "fancy");
    stage_set(stage, "backend.good.label", "l");
    assert_int_equal(load(stage, "good", &file, &first), 0);
    assert_string_equal(first->probe.description,
                        "version 1, entered 1, released 0, mode fancy, label l");

    assert_int_equal(sconce_plugin_probe(file, stage->config, &stage->log, &again, &stage->err), 0);
    assert_ptr_equal(again, first);

    stage_set(stage, "backend.good.mode", "other");
    assert_int_equal(sconce_plugin_probe(file, stage->config, &stage->log, &other, &stage->err), 0);
    assert_ptr_not_equal(other, first);
    assert_non_null(strstr(first->probe.description, "mode fancy"));
    sconce_plugin_put(file, &stage->log);
}

static void test_probe_setting_of_another_runtime_goes_back_to_its_default(void **state)
{
    struct stage *stage = *state;
    struct sconce_config *plain = NULL;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "good");
    assert_int_equal(sconce_config_new(false, &plain, &stage->err), 0);
    stage_set(stage, "backend.good.mode", "fancy");
    assert_int_equal(load(stage, "good", &file, &backend), 0);

    assert_int_equal(sconce_plugin_probe(file, plain, &stage->log, &backend, &stage->err), 0);
    assert_non_null(strstr(backend->probe.description, "mode plain"));
    sconce_config_free(plain);
    sconce_plugin_put(file, &stage->log);
}

static void test_probe_unknown_setting_names_the_nearest(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "good");
    stage_set(stage, "backend.good.mdoe", "x");
    assert_int_equal(load(stage, "good", &file, &backend), SCONCE_E_CONFIG);

    assert_string_equal(stage->err.text, "test: backend \"good\" has no setting \"mdoe\"");
    assert_string_equal(stage->err.hint, "did you mean \"mode\"?");
}

static void test_probe_unknown_setting_like_no_other_lists_them(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "good");
    stage_set(stage, "backend.good.device", "x");
    assert_int_equal(load(stage, "good", &file, &backend), SCONCE_E_CONFIG);

    assert_string_equal(stage->err.hint, "its settings are mode, label");
}

static void test_probe_setting_of_a_backend_without_any_is_an_error(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "probe-fails");
    stage_set(stage, "backend.probe-fails.device", "x");
    assert_int_equal(load(stage, "probe-fails", &file, &backend), SCONCE_E_CONFIG);

    assert_string_equal(stage->err.hint, "it has no settings");
}

static void test_probe_wrong_value_is_a_configuration_error(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "good");
    stage_set(stage, "backend.good.mode", "wrong");
    assert_int_equal(load(stage, "good", &file, &backend), SCONCE_E_CONFIG);

    assert_string_equal(stage->err.text, "test: mode = wrong: good: wrong is no mode");
    assert_string_equal(stage->err.hint, "plain is one");
    assert_int_equal(stage->err.code, SCONCE_E_CONFIG);
}

static void test_probe_value_that_the_machine_lacks_is_a_refusal(void **state)
{
    struct stage *stage = *state;
    struct sconce_plugin_file *file;
    struct sconce_backend *backend;

    stage_install(stage, "good");
    stage_set(stage, "backend.good.mode", "absent");
    assert_int_equal(load(stage, "good", &file, &backend), SCONCE_E_NO_BACKEND);

    assert_string_equal(stage->err.text,
                        "test: mode = absent: good: the machine lacks the absent mode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_load_misbehaving_plugin_is_refused_with_its_own_text),
        STAGE_TEST(test_load_refused_plugin_is_refused_again_the_same),
        cmocka_unit_test(test_load_refusals_all_differ),
        STAGE_TEST(test_load_undefined_symbol_gives_the_linkers_words),
        STAGE_TEST(test_load_probe_failure_text_is_one_terminated_line),
        STAGE_TEST(test_find_other_machine_is_refused),
        STAGE_TEST(test_find_other_byte_order_is_refused),
        STAGE_TEST(test_find_program_is_refused),
        STAGE_TEST(test_find_truncated_file_is_refused),
        STAGE_TEST(test_find_directory_in_place_of_the_file_is_refused),
        STAGE_TEST(test_find_fifo_in_place_of_the_file_is_refused_without_waiting),
        STAGE_TEST(test_find_missing_file_is_not_installed),
        STAGE_TEST(test_find_missing_directory_is_not_installed),
        STAGE_TEST(test_find_name_that_is_a_path_is_refused),
        STAGE_TEST(test_find_reads_the_note),
        STAGE_TEST(test_find_directory_that_others_can_write_is_refused),
        STAGE_TEST(test_find_directory_of_trust_is_checked_alone),
        STAGE_TEST(test_load_good_plugin_is_copied_and_complete),
        STAGE_TEST(test_load_logs_what_the_plugin_says_and_one_line_of_its_own),
        STAGE_TEST(test_load_one_thread_model_gets_a_lock),
        STAGE_TEST(test_probe_gives_settings_and_same_result_is_same_backend),
        STAGE_TEST(test_probe_setting_of_another_runtime_goes_back_to_its_default),
        STAGE_TEST(test_probe_unknown_setting_names_the_nearest),
        STAGE_TEST(test_probe_unknown_setting_like_no_other_lists_them),
        STAGE_TEST(test_probe_setting_of_a_backend_without_any_is_an_error),
        STAGE_TEST(test_probe_wrong_value_is_a_configuration_error),
        STAGE_TEST(test_probe_value_that_the_machine_lacks_is_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
