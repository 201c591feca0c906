/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/cpuid.c: what the policy "sconce-x86-1" shows of a machine that offers everything,
 * and of poorer ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/cpuid.h"

#define ALL 0xffffffffu

/* A processor with every bit set in every leaf that has features. */
static const struct sconce_x86_cpuid rich[] = {
    {0x0, 0, 0x20, 0x756e6547, 0x6c65746e, 0x49656e69},
    {0x1, 0, 0x000806f8, 0x07200800, ALL, ALL},
    {0x2, 0, 0x00feff01, 0xf0, 0, 0},
    {0x4, 0, 0xfc004121, 0x02c0003f, 0x3f, 0},
    {0x4, 1, 0xfc004122, 0x01c0003f, 0x3f, 0},
    {0x5, 0, 0x40, 0x40, 3, 0x2120},
    {0x6, 0, ALL, ALL, ALL, ALL},
    {0x7, 0, 2, ALL, ALL, ALL},
    {0x7, 1, ALL, ALL, ALL, ALL},
    {0x7, 2, 0, 0, 0, ALL},
    {0xa, 0, ALL, ALL, ALL, ALL},
    {0xb, 0, 1, 2, 0x100, 7},
    {0xd, 0, 0x602e7, 0x2b00, 0x2b00, 0},
    {0xd, 1, 0x1f, 0x2b00, 0x1900, 0},
    {0xd, 2, 0x100, 0x240, 0, 0},
    {0xd, 5, 0x40, 0x440, 0, 0},
    {0xd, 6, 0x200, 0x480, 0, 0},
    {0xd, 7, 0x400, 0x680, 0, 0},
    {0xd, 9, 0x8, 0xa80, 0, 0},
    {0xd, 11, 0x10, 0, 1, 0},
    {0xd, 17, 0x40, 0xac0, 2, 0},
    {0xd, 18, 0x2000, 0xb00, 6, 0},
    {0x12, 0, ALL, 0, 0, 0},
    {0x14, 0, 1, ALL, ALL, 0},
    {0x1d, 1, ALL, ALL, ALL, 0},
    {0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d},
    {0x40000001, 0, ALL, 0, 0, 0},
    {0x80000000, 0, 0x80000021, 0, 0, 0},
    {0x80000001, 0, 0x000806f8, ALL, ALL, ALL},
    {0x80000002, 0, 0x65746e49, 0x2952286c, 0, 0},
    {0x80000007, 0, ALL, ALL, ALL, ALL},
    {0x80000008, 0, 0x3934, ALL, ALL, ALL},
    {0x8000000a, 0, 1, 8, 0, ALL},
    {0x8000001e, 0, 7, 7, 7, 7},
};
#define RICH (sizeof rich / sizeof rich[0])

static struct sconce_x86_cpuid shown[RICH];
static size_t shown_count;

static void apply(void)
{
    shown_count = sconce_x86_cpuid_apply(shown, RICH);
}

static int show_rich(void **state)
{
    (void)state;
    memcpy(shown, rich, sizeof shown);
    apply();
    return 0;
}

static struct sconce_x86_cpuid leaf(uint32_t number, uint32_t subleaf)
{
    const struct sconce_x86_cpuid *found =
        sconce_x86_cpuid_find(shown, shown_count, number, subleaf);

    return found ? *found : (struct sconce_x86_cpuid){0};
}

#define NO_BIT(value, bit) assert_int_equal((value) >> (bit)&1, 0)
#define HAS_BIT(value, bit) assert_int_equal((value) >> (bit)&1, 1)

static void test_cpuid_hides_what_needs_privilege(void **state)
{
    uint32_t one = leaf(1, 0).ecx, ebx = leaf(7, 0).ebx, ecx = leaf(7, 0).ecx;
    uint32_t edx = leaf(7, 0).edx, extended = leaf(0x80000001, 0).ecx;

    (void)state;
    NO_BIT(one, 3);             /* MONITOR */
    NO_BIT(one, 5);             /* VMX */
    NO_BIT(one, 6);             /* SMX */
    NO_BIT(one, 15);            /* PDCM */
    NO_BIT(one, 17);            /* PCID */
    NO_BIT(one, 21);            /* x2APIC */
    NO_BIT(one, 24);            /* TSC-deadline */
    NO_BIT(one, 31);            /* hypervisor */
    NO_BIT(leaf(1, 0).edx, 9);  /* APIC */
    NO_BIT(leaf(1, 0).edx, 11); /* SEP */
    NO_BIT(leaf(1, 0).edx, 28); /* HTT */
    NO_BIT(ebx, 2);             /* SGX */
    NO_BIT(ebx, 4);             /* HLE */
    NO_BIT(ebx, 11);            /* RTM */
    NO_BIT(ebx, 14);            /* MPX */
    NO_BIT(ebx, 25);            /* PT */
    NO_BIT(ecx, 3);             /* PKU */
    NO_BIT(ecx, 4);             /* OSPKE */
    NO_BIT(ecx, 5);             /* WAITPKG */
    NO_BIT(ecx, 7);             /* CET shadow stacks */
    NO_BIT(ecx, 16);            /* LA57 */
    NO_BIT(edx, 5);             /* UINTR */
    NO_BIT(edx, 20);            /* CET IBT */
    NO_BIT(edx, 22);            /* AMX */
    NO_BIT(edx, 24);
    NO_BIT(edx, 25);
    NO_BIT(edx, 26);                          /* SPEC_CTRL */
    NO_BIT(extended, 2);                      /* SVM */
    NO_BIT(extended, 3);                      /* EXTAPIC */
    NO_BIT(extended, 29);                     /* MWAITX */
    assert_int_equal(leaf(1, 0).ebx, 0x0800); /* CLFLUSH size; no APIC id */
}

static void test_cpuid_drops_leaves_that_it_does_not_know(void **state)
{
    static const uint32_t gone[] = {5,          6,          0xa,        0xb,
                                    0x12,       0x14,       0x1d,       0x40000000,
                                    0x40000001, 0x80000002, 0x8000000a, 0x8000001e};

    (void)state;
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        assert_null(sconce_x86_cpuid_find(shown, shown_count, gone[i], 0));
    assert_null(sconce_x86_cpuid_find(shown, shown_count, 7, 2));
    assert_int_equal(leaf(0, 0).eax, 0xd);
    assert_int_equal(leaf(7, 0).eax, 1);
    assert_int_equal(leaf(0x80000000, 0).eax, 0x80000008);
}

static void test_cpuid_shows_what_user_code_needs(void **state)
{
    (void)state;
    HAS_BIT(leaf(1, 0).edx, 26);          /* SSE2 */
    HAS_BIT(leaf(1, 0).ecx, 20);          /* SSE4.2 */
    HAS_BIT(leaf(1, 0).ecx, 28);          /* AVX */
    HAS_BIT(leaf(7, 0).ebx, 5);           /* AVX2 */
    HAS_BIT(leaf(7, 0).ebx, 29);          /* SHA */
    HAS_BIT(leaf(7, 0).ebx, 16);          /* AVX512F */
    HAS_BIT(leaf(7, 1).eax, 5);           /* AVX512_BF16 */
    HAS_BIT(leaf(0x80000001, 0).edx, 11); /* SYSCALL */
    HAS_BIT(leaf(0x80000001, 0).edx, 20); /* NX */
    HAS_BIT(leaf(0x80000001, 0).edx, 29); /* long mode */
    HAS_BIT(leaf(0x80000001, 0).ecx, 5);  /* LZCNT */
    HAS_BIT(leaf(0x80000007, 0).edx, 8);  /* invariant TSC */
}

static void test_cpuid_address_bits_are_the_same_everywhere(void **state)
{
    (void)state;
    assert_int_equal(leaf(0x80000008, 0).eax, 48 << 8 | SCONCE_X86_PHYSICAL_BITS);
    assert_int_equal(leaf(0x80000008, 0).ecx, 0);
}

static void test_cpuid_tells_of_no_other_core(void **state)
{
    (void)state;
    assert_int_equal(leaf(4, 0).eax, 0x0121);
    assert_int_equal(leaf(4, 0).ebx, 0x02c0003f);
}

static void test_cpuid_xsave_is_as_large_as_what_is_left(void **state)
{
    (void)state;
    assert_int_equal(leaf(0xd, 0).eax, 0xe7);
    assert_int_equal(leaf(0xd, 0).ebx, 0xa80);
    assert_int_equal(leaf(0xd, 0).ecx, 0xa80);
    assert_int_equal(leaf(0xd, 0).edx, 0);
    assert_int_equal(leaf(0xd, 1).eax, 7); /* no XSAVES, no XFD */
    assert_int_equal(leaf(0xd, 1).ecx, 0);
    assert_null(sconce_x86_cpuid_find(shown, shown_count, 0xd, 9));
    assert_null(sconce_x86_cpuid_find(shown, shown_count, 0xd, 18));
}

/* The entry of the machine, to take something away. */
static struct sconce_x86_cpuid *offered(uint32_t number, uint32_t subleaf)
{
    for (size_t i = 0; i < RICH; i++)
        if (shown[i].leaf == number && shown[i].subleaf == subleaf)
            return &shown[i];
    fail();
    return NULL;
}

static void start_over(void)
{
    memcpy(shown, rich, sizeof shown);
}

static void test_cpuid_without_avx512_state_shows_no_avx512(void **state)
{
    (void)state;
    start_over();
    offered(0xd, 0)->eax = 0xc7; /* one of the three components is missing */
    apply();

    assert_int_equal(leaf(7, 0).ebx & 0xd0230000, 0);
    assert_int_equal(leaf(7, 0).ecx & 0x5842, 0);
    NO_BIT(leaf(7, 0).edx, 23);
    NO_BIT(leaf(7, 1).eax, 5);
    HAS_BIT(leaf(7, 1).eax, 4);
    HAS_BIT(leaf(7, 0).ebx, 5);
    assert_int_equal(leaf(0xd, 0).eax, 7);
    assert_int_equal(leaf(0xd, 0).ebx, 0x340);
    assert_null(sconce_x86_cpuid_find(shown, shown_count, 0xd, 5));
}

static void test_cpuid_without_avx_state_shows_no_avx(void **state)
{
    (void)state;
    start_over();
    offered(0xd, 0)->eax = 0xe3;
    apply();

    NO_BIT(leaf(1, 0).ecx, 12); /* FMA */
    NO_BIT(leaf(1, 0).ecx, 28);
    NO_BIT(leaf(1, 0).ecx, 29); /* F16C */
    NO_BIT(leaf(7, 0).ebx, 5);
    NO_BIT(leaf(7, 0).ebx, 16);
    NO_BIT(leaf(7, 0).ecx, 9); /* VAES */
    HAS_BIT(leaf(1, 0).ecx, 26);
    assert_int_equal(leaf(0xd, 0).eax, 3);
    assert_int_equal(leaf(0xd, 0).ebx, 576);
}

/* Seen with KVM-PVM: no XSAVE in leaf 1, yet leaf 0xd tells of AVX-512 state. */
static void test_cpuid_without_xsave_shows_no_avx_but_keeps_the_state(void **state)
{
    (void)state;
    start_over();
    offered(1, 0)->ecx &= ~(1u << 26);
    apply();

    NO_BIT(leaf(1, 0).ecx, 27);
    NO_BIT(leaf(1, 0).ecx, 28);
    NO_BIT(leaf(7, 0).ebx, 5);
    assert_int_equal(leaf(0xd, 0).eax, 0xe7);
}

static void test_cpuid_never_adds_what_is_not_offered(void **state)
{
    (void)state;
    for (size_t i = 0; i < RICH; i++)
        shown[i] = (struct sconce_x86_cpuid){.leaf = rich[i].leaf, .subleaf = rich[i].subleaf};
    apply();

    for (size_t i = 0; i < shown_count; i++) {
        const struct sconce_x86_cpuid *e = &shown[i];
        bool sized = e->leaf == 0x80000008 || (e->leaf == 0xd && e->subleaf == 0);

        assert_true(sized || (e->eax | e->ebx | e->ecx | e->edx) == 0);
    }
}

static void test_cpuid_twice_is_once(void **state)
{
    struct sconce_x86_cpuid once[RICH];
    size_t count = shown_count;

    (void)state;
    memcpy(once, shown, sizeof once);
    assert_int_equal(sconce_x86_cpuid_apply(shown, shown_count), count);
    assert_memory_equal(once, shown, count * sizeof once[0]);
}

static void test_cpuid_of_nothing_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(sconce_x86_cpuid_apply(NULL, 0), 0);
    assert_null(sconce_x86_cpuid_find(NULL, 0, 1, 0));
}

/* ---- Whether a guest sees it -------------------------------------------------------------------
 */

/* What leaf 0x40000000 tells of a hypervisor that does not hide itself. */
static const struct sconce_x86_cpuid named = {
    SCONCE_X86_CPUID_HYPERVISOR, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d};

static bool obeyed(struct sconce_x86_cpuid basic, struct sconce_x86_cpuid hidden)
{
    return sconce_x86_cpuid_obeyed(shown, shown_count, &basic, &hidden);
}

static void test_obeyed_zero_or_the_highest_leaf_for_a_hidden_one(void **state)
{
    struct sconce_x86_cpuid highest = leaf(0xd, 0);

    (void)state;
    assert_true(obeyed(leaf(0, 0), (struct sconce_x86_cpuid){0}));
    highest.ebx = 0x240; /* by XCR0 at the time */
    assert_true(obeyed(leaf(0, 0), highest));
}

static void test_obeyed_machines_own_highest_leaf_is_not(void **state)
{
    struct sconce_x86_cpuid basic = leaf(0, 0);

    (void)state;
    basic.eax = 0x20;
    assert_false(obeyed(basic, (struct sconce_x86_cpuid){0}));
}

static void test_obeyed_hypervisors_name_is_not(void **state)
{
    (void)state;
    assert_false(obeyed(leaf(0, 0), named));
}

static void test_obeyed_without_a_policy_only_zero_is(void **state)
{
    const struct sconce_x86_cpuid zero = {0};

    (void)state;
    assert_true(sconce_x86_cpuid_obeyed(shown, 0, &zero, &zero));
    assert_false(sconce_x86_cpuid_obeyed(shown, 0, &zero, &named));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpuid_hides_what_needs_privilege),
        cmocka_unit_test(test_cpuid_drops_leaves_that_it_does_not_know),
        cmocka_unit_test(test_cpuid_shows_what_user_code_needs),
        cmocka_unit_test(test_cpuid_address_bits_are_the_same_everywhere),
        cmocka_unit_test(test_cpuid_tells_of_no_other_core),
        cmocka_unit_test(test_cpuid_xsave_is_as_large_as_what_is_left),
        cmocka_unit_test(test_cpuid_twice_is_once),
        cmocka_unit_test(test_cpuid_without_avx512_state_shows_no_avx512),
        cmocka_unit_test(test_cpuid_without_avx_state_shows_no_avx),
        cmocka_unit_test(test_cpuid_without_xsave_shows_no_avx_but_keeps_the_state),
        cmocka_unit_test(test_cpuid_never_adds_what_is_not_offered),
        cmocka_unit_test(test_cpuid_of_nothing_is_nothing),
        cmocka_unit_test_setup(test_obeyed_zero_or_the_highest_leaf_for_a_hidden_one, show_rich),
        cmocka_unit_test_setup(test_obeyed_machines_own_highest_leaf_is_not, show_rich),
        cmocka_unit_test_setup(test_obeyed_hypervisors_name_is_not, show_rich),
        cmocka_unit_test(test_obeyed_without_a_policy_only_zero_is),
    };

    return cmocka_run_group_tests(tests, show_rich, NULL);
}
