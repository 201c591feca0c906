#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program on a backend that runs guests: BACKEND, whose wall is ISOLATION.
. "$(dirname "$0")/lib.sh"
need_usable_backend
need_guests
cd "$tmp" || exit 99

# Standard error, but for the word on a weaker wall.
err_is_else()
{
    sed -i "/^sconce: backend $BACKEND (isolation: $ISOLATION/d" err
    err_is "$1"
}

on()
{
    want=$1 command=$2
    shift 2
    expect "$want" "$SCONCE" "$command" --backend="$BACKEND" --isolation="$isolation" "$@"
}

check "values of every type come back from the guest"
on 0 call guest.elf add 2147483647 -5 && out_is "2147483642
" && err_is_else ""
on 0 call guest.elf echo_u64 18446744073709551615 && out_is "18446744073709551615
"
on 0 call guest.elf echo_f64 bits:0x7ff8000000000123 && out_is "bits:0x7ff8000000000123
"
on 0 call guest.elf echo_string 'grüße' && out_is "grüße
"
on 0 call guest.elf echo_bytes hex:00ff00 --format=json && json 'd["value"] == "AP8A"'

check "--verbose names the backend and its isolation"
on 0 call -v guest.elf add 1 2 && out_is "3
" && err_has "$BACKEND (isolation: $ISOLATION" && err_has "calls 1"

check "bench calls the function, and puts the sandbox back"
on 0 bench guest.elf add 1 2 --time=1 --format=json &&
    json '[w["exits_per_call"] for w in d["ways"]] == [1, 1, 1]'
on 0 bench guest.elf say hello --time=1 && out_has "call and restore" && err_is_else ""
on 0 bench --host visitor_language=fr hello.elf greet Ada --time=1 --format=json &&
    json '[w["host_calls_per_call"] for w in d["ways"]] == [1, 1, 1]'

check "the hash of a file is what sha256sum says"
on 0 call sha256.elf sha256 @"$SCONCE" && out_is "$(sha256sum <"$SCONCE" | cut -d' ' -f1)
"

check "--window is a file that the guest reads"
head -c 100000 "$SCONCE" >file
on 0 call --window=file guest.elf windowed && same file out
on 0 call --window=file --window-size=1M guest.elf windowed && same file out
on 0 call guest.elf windowed && out_is ""
on 6 call --window=file --window-size=64K guest.elf windowed &&
    err_has "cannot attach 100000 bytes: the sandbox's window has 65536" && err_has "--window-size"
on 2 call --window=missing guest.elf windowed && err_has "--window=missing: No such file"
on 2 call --window=. guest.elf windowed && err_has "no regular file"
on 2 call --window=file --window-size=much guest.elf windowed && err_has "--window-size"

check "the example greets in the language that it is told"
on 0 call --host visitor_language=fr hello.elf greet Ada && out_is "Bonjour, Ada!
"

check "what a guest prints goes to standard error of call"
on 0 call guest.elf say hello && out_is "" && err_is_else "hello
"

if [ -e "$GUESTS/guest-program.elf" ]; then
    check "run runs a whole program: arguments, input, output, exit status"
    printf 'input\nof it' >in
    stdin=in
    on 3 run guest-program.elf -- 3 "two words" --quiet && out_is "1: 3
2: two words
3: --quiet
input
of it" && err_is_else "3 arguments
"
    stdin=
    on 0 run --format=json guest-program.elf && json 'd["status"] == 0'

    check "an error begins a line of its own behind an unfinished one, whatever was read or traced"
    stdin=in
    for trace in "" --trace-syscalls; do
        # shellcheck disable=SC2086 # $trace may be nothing
        on 5 run $trace guest-program.elf -- ask && cp out apart
        # shellcheck disable=SC2086
        "$SCONCE" run --backend="$BACKEND" --isolation="$isolation" $trace guest-program.elf \
            -- ask <in 2>&1 | cat >out
        grep -qx "name: " out || fail "the guest's line is not on its own"
        grep -q "^sconce: .*guest-program.elf" out || fail "the error is not on a line of its own"
        ! grep -qx "" out || fail "there is an empty line"
        cp apart out && out_is "name: "
    done
    stdin=

    check "a limit that cuts a line says so behind a trace, too"
    on 6 run --trace-syscalls --set=limits.output_bytes=32 guest-program.elf -- 0 123456789012345 &&
        out_is "1: 0
2: 123456789012" && err_has "write(" && err_has "; the last line is cut"
fi

check "run starts a guest and calls run"
on 1 run guest-run.elf && out_is "started
ran
" && err_has "run() returned 3"

check "what a guest prints does not arrive on a closed standard output, and harms nothing"
"$SCONCE" run --backend="$BACKEND" --isolation="$isolation" guest-run.elf >&- 2>err
[ $? -eq 1 ] || fail "not the status of run()"
err_has "run() returned 3"
err_has "cannot write to standard output"

check "a function that fails is status 1"
on 1 call guest.elf fail 4 "out of cheese" && err_has "out of cheese"

check "faults and aborts are status 5, and are named"
on 5 call guest.elf write_null && err_has "0x10"
on 5 call guest.elf give_up && err_has "tired" && err_lacks "$(printf '\033')"

check "an endless loop ends by its deadline, as status 6"
# What it says before it loops must be out by then, on a busy machine too.
on 6 call --deadline=1000 guest.elf spin && err_has "spinning" && err_has "hint: "

check "endless output ends by its limit, as status 6"
on 6 call --set=limits.output_bytes=1000 guest.elf flood

check "an endless loop ends by a signal"
dies_of_sigterm_after spinning "$SCONCE" call --backend="$BACKEND" --isolation="$isolation" --deadline=0 guest.elf spin
err_has "signal"

check "doctor is content"
expect 0 "$SCONCE" doctor --isolation="$isolation" --backend="$BACKEND" && out_has "on $BACKEND"
expect 0 "$SCONCE" doctor --isolation="$isolation" --backend="nothere,$BACKEND" &&
    out_has "on $BACKEND" && out_has "fail  nothere"

check "doctor is not content with a backend that the configuration does not choose"
expect 4 "$SCONCE" doctor --isolation="$isolation" --set=runtime.backend=nothere &&
    out_has "fail  conclusion" && out_has "works here: choose it, or auto"

if [ "$ISOLATION" != vm ]; then
    check "a wall that is weaker than a virtual machine must be asked for"
    expect 4 "$SCONCE" run --backend="$BACKEND" guest-run.elf &&
        err_has "has isolation \"$ISOLATION\", and isolation = vm asks for a virtual machine" &&
        err_has "hint: isolation = any allows $BACKEND"
    expect 4 "$SCONCE" doctor --backend="$BACKEND" && out_has "fail  conclusion"
fi

finish
