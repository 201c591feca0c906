/* SPDX-License-Identifier: Apache-2.0 */
/* One Lua that lives from call to call: run(string) -> string runs one more script in it, and
 * returns what that returns. */
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <string.h>

#include <sconce/guest.h>

static lua_State *lua;

int main(void)
{
    lua = luaL_newstate();
    if (!lua)
        sconce_abort("the heap cannot hold a Lua");
    luaL_openlibs(lua);
    return 0;
}

SCONCE_EXPORT(sconce_str, run, (sconce_str script))
{
    sconce_str result = SCONCE_STR("");
    const char *text;
    char *copy;

    lua_settop(lua, 0);
    if (luaL_loadbufferx(lua, script.data, script.length, "=script", "t") ||
        lua_pcall(lua, 0, 1, 0))
        sconce_fail(1, "%s", lua_tostring(lua, 1));
    text = lua_tolstring(lua, 1, &result.length);
    copy = text ? sconce_alloc(result.length + 1) : NULL;
    if (!copy)
        return SCONCE_STR("");
    result.data = memcpy(copy, text, result.length + 1);
    return result;
}
