/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite in a sandbox, as Debian ships it: query(bytes, string) -> bytes asks a database file,
 * which is only read. Rows are lines, columns have '|' between them, as sqlite3 prints them; blobs
 * are hexadecimal. The result is bytes, as texts of a database need not be UTF-8.
 */
#include <sqlite3.h>
#include <string.h>

#include <sconce/guest.h>

static void add_column(sqlite3_str *out, sqlite3_stmt *statement, int i)
{
    const unsigned char *data;

    if (i)
        sqlite3_str_appendchar(out, 1, '|');
    if (sqlite3_column_type(statement, i) != SQLITE_BLOB) {
        data = sqlite3_column_text(statement, i);
        sqlite3_str_append(out, data ? (const char *)data : "", sqlite3_column_bytes(statement, i));
        return;
    }
    data = sqlite3_column_blob(statement, i);
    for (int at = 0; at < sqlite3_column_bytes(statement, i); at++)
        sqlite3_str_appendf(out, "%02x", data[at]);
}

/* All statements of @sql; SQLITE_OK, or the failure of one. */
static int run_all(sqlite3 *db, const char *sql, sqlite3_str *out)
{
    while (*sql) {
        sqlite3_stmt *statement = NULL;
        int r = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);

        if (r != SQLITE_OK)
            return r;
        while (statement && sqlite3_step(statement) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(statement); i++)
                add_column(out, statement, i);
            sqlite3_str_appendchar(out, 1, '\n');
        }
        r = sqlite3_finalize(statement);
        if (r != SQLITE_OK)
            return r;
    }
    return sqlite3_str_errcode(out);
}

/* There are no files: the database is the argument itself, and what is sorted stays in memory. */
static int open_database(sconce_bytes database, sqlite3 **ret_db)
{
    unsigned char *data = (unsigned char *)(uintptr_t)database.data;
    sqlite3_int64 bytes = (sqlite3_int64)database.length;
    int r = sqlite3_open(":memory:", ret_db);

    if (r == SQLITE_OK)
        r = sqlite3_exec(*ret_db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_deserialize(*ret_db, "main", data, bytes, bytes, SQLITE_DESERIALIZE_READONLY);
    return r;
}

SCONCE_EXPORT(sconce_bytes, query, (sconce_bytes database, const char *sql))
{
    sconce_bytes result = {NULL, 0};
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3 *db = NULL;
    int r = open_database(database, &db);

    if (r == SQLITE_OK)
        r = run_all(db, sql, out);
    if (r == SQLITE_OK) {
        void *copy = sconce_alloc((size_t)sqlite3_str_length(out));

        result.length = copy ? (size_t)sqlite3_str_length(out) : 0;
        if (result.length)
            result.data = memcpy(copy, sqlite3_str_value(out), result.length);
    } else {
        sconce_fail(r, "%s", db && sqlite3_errcode(db) ? sqlite3_errmsg(db) : sqlite3_errstr(r));
    }
    sqlite3_free(sqlite3_str_finish(out));
    sqlite3_close(db);
    return result;
}
