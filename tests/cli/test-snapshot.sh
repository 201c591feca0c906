#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce snapshot on a backend that runs guests: BACKEND, whose wall is ISOLATION.
. "$(dirname "$0")/lib.sh"
need_usable_backend
need_guests
cd "$tmp" || exit 99

on()
{
    want=$1 action=$2
    shift 2
    expect "$want" "$SCONCE" snapshot "$action" --backend="$BACKEND" --isolation="$isolation" "$@"
}

check "a guest goes on where it was kept, any number of times"
on 0 create counter.elf kept:one && out_is ""
on 0 run kept:one next && out_is "101
"
on 0 run kept:one next && out_is "101
"

check "a function may be called before"
on 0 create counter.elf kept:two next
on 0 run kept:two next && out_is "102
"
on 0 create counter.elf kept keep "a text" --format=json &&
    json 'd["tag"] == "latest" and d["dir"] == "kept"' && json "d['backend'] == '$BACKEND'"
on 0 run kept kept_text --format=json && json 'd["value"] == "a text"'
on 0 run -o file kept kept_text && out_is "" && [ "$(cat file)" = "a text" ]

check "a tag can be given anew, and what had it loses it"
on 0 create counter.elf kept:one next
on 0 run kept:one next && out_is "102
"

check "what there is is listed"
expect 0 "$SCONCE" snapshot ls kept && out_has "two " && out_has counter.elf && out_has KiB
expect 0 "$SCONCE" snapshot ls -q kept && out_is "two
latest
one
"
expect 0 "$SCONCE" snapshot ls --format=json kept &&
    json '[s["tag"] for s in d] == ["two", "latest", "one"]' &&
    json 'd[0]["guest"] == "counter.elf" and d[0]["digest"].startswith("sha256:")'

check "a text that is no tag forges no row"
cp -r kept forged
sed 's/"two"/"a\\nforged\\u001b[31m"/' kept/index.json >forged/index.json
expect 0 "$SCONCE" snapshot ls forged && out_has 'cannot be used: ' && out_has '"a?forged?[31m" is no tag' &&
    [ "$(wc -l <out)" -eq 3 ]
expect 0 "$SCONCE" snapshot ls -q forged && out_is "latest
one
"
expect 0 "$SCONCE" snapshot ls --format=json forged && json 'd[0]["tag"] == "" and "is no tag" in d[0]["problem"]'
expect 0 "$SCONCE" snapshot verify forged && out_is "latest: ok
one: ok
"

check "all of it is verified"
expect 0 "$SCONCE" snapshot verify kept && out_has "two: ok" && out_has "one: ok"
expect 0 "$SCONCE" snapshot verify kept:two && out_is "two: ok
"
expect 0 "$SCONCE" snapshot verify --format=json kept && json 'all(s["ok"] for s in d) and len(d) == 3'

check "what was changed is refused"
guest=$(find kept/blobs/sha256 -size +32k)
printf x | dd of="$guest" bs=1 seek=100 conv=notrunc 2>/dev/null
on 2 run kept:two next && out_is "" && err_has "was changed" && err_has "hint: copy"
expect 2 "$SCONCE" snapshot verify kept && err_has "was changed" && out_is ""
expect 2 "$SCONCE" snapshot verify kept:two --format=json && json 'd[0]["ok"] == False'

check "what is not there is refused"
on 2 run kept:three next && err_has "kept has no tag three" && err_has "sconce snapshot ls"
on 2 run nowhere next && err_has "cannot open image layout nowhere"
on 2 run . next && err_has ". is no OCI image layout"
expect 2 "$SCONCE" snapshot ls nowhere && err_has nowhere
expect 2 "$SCONCE" snapshot ls --format=json nowhere && json 'd["error"]["code"] == "system"'
on 2 create counter.elf new:.bad && err_has 'no tag'
[ ! -e new ] || fail "a directory was made for a tag that is none"
on 2 create counter.elf new:t nexx && err_has 'no function "nexx"'

check "a snapshot's functions are named where one is unknown"
on 0 create counter.elf other
on 2 run other nexx && err_has 'no function "nexx"' && err_has "add, keep, kept_text, next"
on 2 run other add && err_has "takes 1 argument, but 0 were given"

check "more memory than the configuration allows is refused"
on 0 create --set=limits.heap_bytes=33554432 counter.elf large
on 6 run large next && err_has "a heap of 33554432 bytes" && err_has "raise limits.heap_bytes"
on 0 run --set=limits.heap_bytes=33554432 large next

check "what is attached is no part of a snapshot"
head -c 70000 "$SCONCE" >file
on 0 create --window=file guest.elf attached windowed
on 0 run attached windowed && out_is ""
on 0 run --window=file attached windowed && same file out
on 0 run --window-size=8M --window=file attached windowed && same file out

check "misuse is told"
expect 2 "$SCONCE" snapshot && err_has "an operand is missing"
expect 2 "$SCONCE" snapshot make kept && err_has "there is no sconce snapshot make"
expect 2 "$SCONCE" snapshot run kept && err_has 'usage: sconce snapshot run DIR[:TAG] FUNCTION'
expect 2 "$SCONCE" snapshot ls kept kept && err_has 'usage: sconce snapshot ls DIR'
on 2 run kept:-bad next && err_has "is no tag"
on 2 create counter.elf kept:-bad && err_has "is no tag"
on 70 create counter.elf nowhere/kept:one && err_has "nowhere/kept"
on 2 run kept next --format=json -o - && err_has "both want standard output"

check "a program that has run to its end is nothing to keep"
if [ -f guest-program.elf ]; then
    on 2 create guest-program.elf kept:program && err_has "is a program"
fi

finish
