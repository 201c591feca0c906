/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua in a sandbox, as Debian ships it: run(string) -> string runs a script and returns what it
 * returns. What it prints goes to the host; ask(text), one more function for scripts, is the
 * host's.
 */
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <string.h>

#include <sconce/guest.h>

SCONCE_IMPORT(sconce_str, ask, (sconce_str question));

static int lua_ask(lua_State *lua)
{
    sconce_str question, answer;

    question.data = luaL_checklstring(lua, 1, &question.length);
    answer = ask(question);
    if (sconce_host_failed())
        return luaL_error(lua, "ask: %s", sconce_host_error());
    lua_pushlstring(lua, answer.data, answer.length);
    return 1;
}

/* The script's result, in memory that lives until the call is over. What is neither a string nor a
 * number is the empty string. */
static sconce_str result_of(lua_State *lua)
{
    sconce_str result = {"", 0};
    const char *text = lua_tolstring(lua, 1, &result.length);
    char *copy = text ? sconce_alloc(result.length + 1) : NULL;

    if (!copy)
        return SCONCE_STR("");
    result.data = memcpy(copy, text, result.length + 1);
    return result;
}

static void fail_as_lua(lua_State *lua)
{
    const char *text = lua_tostring(lua, 1);

    sconce_fail(1, "%s", text ? text : "the script threw something that is no text");
}

/* Every script has a Lua of its own: none finds what another one left. */
SCONCE_EXPORT(sconce_str, run, (sconce_str script))
{
    sconce_str result = SCONCE_STR("");
    lua_State *lua = luaL_newstate();

    if (!lua) {
        sconce_fail(LUA_ERRMEM, "the heap cannot hold a Lua");
        return result;
    }
    luaL_openlibs(lua);
    lua_register(lua, "ask", lua_ask);
    if (luaL_loadbufferx(lua, script.data, script.length, "=script", "t") ||
        lua_pcall(lua, 0, 1, 0))
        fail_as_lua(lua);
    else
        result = result_of(lua);
    lua_close(lua);
    return result;
}
