#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce inspect: guests, backends, and what is neither.
. "$(dirname "$0")/lib.sh"
need_guests
cd "$tmp" || exit 99

check "a guest's functions and imports are listed with their signatures"
expect 0 "$SCONCE" inspect hello.elf && out_has "greet(string) -> string" &&
    out_has "visitor_language() -> string" && out_has "guest for "

check "JSON has the facts of a guest"
expect 0 "$SCONCE" inspect --format=json guest.elf && json 'd["kind"] == "guest" and d["abi"] == 2' &&
    json 'd["machine"] in (62, 183) and d["imports"] == [] and d["image_bytes"] % 65536 == 0' &&
    json '{"name": "add", "signature": "(i32, i32) -> i32", "params": ["i32", "i32"], "result": "i32"} in d["exports"]'

check "--quiet lists names alone"
expect 0 "$SCONCE" inspect -q hello.elf && out_is "greet
"

check "what is no guest and no backend is refused"
echo "just text" >text
expect 2 "$SCONCE" inspect text && err_has "text"
expect 2 "$SCONCE" inspect --format=json text && json 'd["error"]["code"] == "guest-format"'
expect 2 "$SCONCE" inspect missing && err_has "cannot read missing: No such file or directory"
head -c 100 guest.elf >short
expect 2 "$SCONCE" inspect short

check "what is no regular file is refused at once"
for file in /dev/zero .; do
    expect 2 "$SCONCE" inspect $file && err_has "cannot read $file: it is not a regular file"
done

if [ -f "$PLUGIN_DIR/sconce-backend-stub.so" ]; then
    check "a backend's facts are shown"
    expect 0 "$SCONCE" inspect "$PLUGIN_DIR/sconce-backend-stub.so" && out_has "isolation     none"
    expect 0 "$SCONCE" inspect --format=json "$PLUGIN_DIR/sconce-backend-stub.so" &&
        json 'd["kind"] == "backend" and d["facts"]["name"] == "stub"' &&
        json 'd["facts"]["isolation"] == "none"'

    check "a backend under another name is told the right one"
    cp "$PLUGIN_DIR/sconce-backend-stub.so" renamed.so
    expect 0 "$SCONCE" inspect renamed.so && err_has "sconce-backend-stub.so"
fi

finish
