/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Lua that is alive, carried from each backend to each and back: its globals, a closure with what
 * it closed over, and a coroutine that waits in the middle of its work.
 */
#include "carry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The coroutine waits below a protected call and an iterator: frames of Lua's and of C's. Tables
 * that are asked for a function find it by its address. */
static const char first_script[] =
    "place = 'first'\n"
    "do\n"
    "  local count = 0\n"
    "  function count_up() count = count + 1 return count end\n"
    "end\n"
    "known = {[count_up] = 'known'}\n"
    "walk = coroutine.create(function(seen)\n"
    "  local fine, why = pcall(function()\n"
    "    for word in ('one two three'):gmatch('%a+') do\n"
    "      seen = seen .. coroutine.yield(seen .. word)\n"
    "    end\n"
    "    error('walked')\n"
    "  end)\n"
    "  return seen .. why:match('%a+$')\n"
    "end)\n"
    "function look(more)\n"
    "  local fine, said = coroutine.resume(walk, more)\n"
    "  return ('%s %d %s %s %s'):format(place, count_up(), known[count_up], said,\n"
    "                                   coroutine.status(walk))\n"
    "end\n"
    "return look('a')\n";

static void says(struct place *place, const char *script, const char *wanted)
{
    struct sconce_value text = CALL_WITH(place, "run", sconce_string(script));

    assert_string_equal((const char *)text.as.span.data, wanted);
}

static void carry_lua(const char *from, const char *to, const char *dir)
{
    char path[PATH_MAX];
    struct place place;

    snprintf(path, sizeof path, "%s/lua-kept.elf", getenv("SCONCE_TEST_ORDINARY"));
    place = carry_begin_file(from, path);
    says(&place, first_script, "first 1 known aone suspended");
    carry_save(&place, dir, "there");
    carry_end(&place);

    place = carry_go_on(to, dir, "there");
    says(&place, "return look('b')", "first 2 known abtwo suspended");
    says(&place, "place = 'second' collectgarbage() return look('c')",
         "second 3 known abcthree suspended");
    carry_save(&place, dir, "back");
    carry_end(&place);

    place = carry_go_on(from, dir, "back");
    says(&place, "return look('d')", "second 4 known abcdwalked dead");
    carry_end(&place);

    place = carry_go_on(from, dir, "there"); /* is still what it was */
    says(&place, "return look('B')", "first 2 known aBtwo suspended");
    carry_end(&place);
}

static void test_a_lua_that_is_alive_goes_from_each_to_each_and_back(void **state)
{
    carry_each_pair(carry_lua, scratch_path(*state, "layout"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARRY_TEST(test_a_lua_that_is_alive_goes_from_each_to_each_and_back),
    };

    carry_backends();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
