/* SPDX-License-Identifier: Apache-2.0 */
/* examples/sqlite: a database that a native program wrote. */
#include "ordinary.h"

#include <stdlib.h>

static const char *const queries[] = {
    "SELECT * FROM person",
    "SELECT name, count(*), max(day) FROM person JOIN visit ON person = id GROUP BY 1 ORDER BY 2, "
    "1",
    "SELECT a.day, b.day FROM visit a, visit b WHERE a.person = 2 AND b.day = a.day + 7 "
    "ORDER BY a.day % 13, 1",
    "SELECT sqlite_version(); SELECT upper(name) || ' ' || round(height, 1) FROM person; "
    "PRAGMA integrity_check",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    "SELECT i, i * i FROM n ORDER BY i % 7, i",
};

static void test_sqlite_queries_come_to_the_same_as_natively(void **state)
{
    struct ordinary sqlite;

    (void)state;
    ordinary_open(&sqlite, "sqlite", 0);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
        assert_true(ordinary_same(&sqlite, "query", ORDINARY_WORDS("@visits.db", queries[i])));
    ordinary_close(&sqlite);
}

static void test_sqlite_failures_are_sqlite_s_and_next_query_is_served(void **state)
{
    struct ordinary sqlite;

    (void)state;
    ordinary_open(&sqlite, "sqlite", 0);
    assert_false(ordinary_same(&sqlite, "query", ORDINARY_WORDS("@visits.db", "SELECT")));
    assert_false(
        ordinary_same(&sqlite, "query", ORDINARY_WORDS("@visits.db", "SELECT no FROM visit")));
    assert_false(
        ordinary_same(&sqlite, "query", ORDINARY_WORDS("@visits.db", "DELETE FROM visit")));
    assert_false(ordinary_same(&sqlite, "query", ORDINARY_WORDS("@text", "SELECT * FROM visit")));
    assert_true(ordinary_same(&sqlite, "query", ORDINARY_WORDS("@visits.db", queries[0])));
    ordinary_close(&sqlite);
}

/* A page after the other is filled with ones; whatever SQLite makes of that, the next query goes.
 */
static void test_sqlite_damaged_database_does_no_harm(void **state)
{
    struct ordinary_bytes file = ordinary_read(ordinary_input("visits.db"));
    struct sconce_error err = {0};
    struct ordinary sqlite;

    (void)state;
    ordinary_open(&sqlite, "sqlite", 0);
    for (size_t at = 100; at + 64 < file.length; at += 4096) {
        struct sconce_value args[] = {sconce_bytes(file.data, file.length),
                                      sconce_string(queries[1])};
        int r;

        for (size_t i = at; i < at + 64; i++)
            file.data[i] = (char)0xff;
        r = sconce_sandbox_call(sqlite.sandbox, "query", args, 2, NULL, &err);
        assert_true(r == 0 || r == SCONCE_E_GUEST_FAILED);
    }
    assert_true(ordinary_same(&sqlite, "query", ORDINARY_WORDS("@visits.db", queries[0])));
    ordinary_close(&sqlite);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlite_queries_come_to_the_same_as_natively),
        cmocka_unit_test(test_sqlite_failures_are_sqlite_s_and_next_query_is_served),
        cmocka_unit_test(test_sqlite_damaged_database_does_no_harm),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
