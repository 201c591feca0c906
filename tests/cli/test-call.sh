#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce call: values in and out, host functions, where output goes, exit statuses.
. "$(dirname "$0")/lib.sh"
need_backend stub
need_guests
cd "$tmp" || exit 99

check "integers and booleans come back as they went"
stub 0 echo call guest.elf echo_i32 -2147483648 && out_is "-2147483648
"
stub 0 echo call guest.elf echo_u32 0xffffffff && out_is "4294967295
"
stub 0 echo call guest.elf echo_i64 -9223372036854775808 && out_is "-9223372036854775808
"
stub 0 echo call guest.elf echo_u64 18446744073709551615 && out_is "18446744073709551615
"
stub 0 echo call guest.elf echo_bool true && out_is "true
"

check "floats come back bit by bit"
for value in 0.1 -0 inf -inf nan 5e-324 bits:0x7ff0000000000001 1.7976931348623157e+308; do
    stub 0 echo call guest.elf echo_f64 "$value" && out_is "$value
"
done
stub 0 echo call guest.elf echo_f32 0.1 && out_is "0.1
"

check "strings and bytes come from everywhere"
printf 'from a file' >input
stub 0 echo call guest.elf echo_string 'grüße' && out_is "grüße
"
stub 0 echo call guest.elf echo_string @input && out_is "from a file
"
stub 0 echo call guest.elf echo_string @@input && out_is "@input
"
stub 0 echo call guest.elf echo_bytes hex:6869 && out_is "hi"
stub 0 echo call guest.elf echo_bytes @input && out_is "from a file"
stub 0 echo call guest.elf echo_bytes text:@input && out_is "@input"

check "standard input is an argument"
printf 'piped' | "$SCONCE" call --backend=stub --isolation=any -q \
    --set="backend.stub.script=$SCRIPTS/echo.stub" guest.elf echo_bytes @- >out 2>err
out_is "piped"

check "nothing is printed for none"
stub 0 nothing call guest.elf say hello && out_is ""

check "an argument of the wrong type is named, with the signature"
stub 2 echo call guest.elf add 1 two && err_has "argument 2 of add, \"two\", cannot be of type i32" &&
    err_has "hint: its signature is add(i32, i32) -> i32"
stub 2 echo call guest.elf echo_i32 2147483648 && err_has "not between -2147483648 and 2147483647"

check "a wrong number of arguments is told"
stub 2 echo call guest.elf add 1 && err_has "add takes 2 arguments, but 1 was given"
stub 2 echo call guest.elf spin 1 && err_has "spin takes 0 arguments, but 1 was given"

check "an unknown function has a hint"
stub 2 echo call guest.elf ad 1 2 && err_has "\"ad\"" && err_has "hint: "

if [ -e guest-program.elf ]; then
    check "a function of what exports none has a hint at sconce run"
    stub 2 echo call guest-program.elf main && err_has "exports no function \"main\"" &&
        err_has "hint: it exports nothing; a whole program is run by: sconce run guest-program.elf -- ARG..."
fi

check "bad UTF-8 for a string is refused"
printf '\377' >bad
stub 2 echo call guest.elf echo_string @bad && err_has "UTF-8"

check "a file that is not there or is no guest is the command line's fault"
stub 2 echo call missing.elf f && err_has "missing.elf" && err_has "No such file"
echo text >text.elf
stub 2 echo call text.elf f && err_has "text.elf"

check "--output writes the result, and only that"
stub 0 echo call -o result guest.elf echo_string hello && out_is "" && cp result out && out_is "hello"
stub 0 echo call --output=result guest.elf echo_i32 7 && cp result out && out_is "7
"

check "--output that cannot be written is no success"
for file in /nonexistent/x /dev/full . nowhere; do
    ln -sf missing nowhere
    stub 70 echo call --output=$file guest.elf echo_i32 7 && out_is "" &&
        err_has "cannot write the result to $file: "
done
[ -L nowhere ] || fail "a link to nothing was replaced"
stub 70 echo call --output=/dev/full --format=json guest.elf echo_i32 7 &&
    json 'd["error"]["code"] == "system"'

# Of these limits, the middle ones leave room for the result, but for no second copy of it.
check "--output writes the whole result or none when memory is short"
head -c 20000000 /dev/zero >large
for kilobytes in 240000 260000 280000 300000; do
    (
        # shellcheck disable=SC3045 # dash and bash have it
        ulimit -v $kilobytes
        "$SCONCE" call --backend=stub --isolation=any --set=limits.io_bytes=64M \
            --set=limits.heap_bytes=64M --set="backend.stub.script=$SCRIPTS/echo.stub" \
            -o copy guest.elf echo_bytes @large >out 2>err
    ) && same large copy
    rm -f copy
done
rm -f large

check "--output keeps the old file when the call fails"
echo old >result
stub 1 fail call -o result guest.elf echo_i32 7 && cp result out && out_is "old
"

check "--output=- is standard output"
stub 0 echo call -o - guest.elf echo_string hello && out_is "hello"

check "--output that is open already is written into, behind what it has"
ln -s /dev/stdout to-stdout
ln -s to-stdout to-it
stdout_names="- /dev/stdout /dev/fd/1 /proc/self/fd/1 //dev/stdout /dev/fd//1 /proc/thread-self/fd/1
    to-stdout ./to-it"
for file in $stdout_names; do
    echo "old" >result
    "$SCONCE" call --backend=stub --isolation=any -q --set="backend.stub.script=$SCRIPTS/echo.stub" \
        -o "$file" guest.elf echo_string hello >>result 2>err || fail "exit status $? for $file"
    cp result out && out_is "old
hello"
done
echo "old" >result
(
    guest=$PWD/guest.elf
    cd /dev || exit 99
    "$SCONCE" call --backend=stub --isolation=any -q --set="backend.stub.script=$SCRIPTS/echo.stub" \
        -o stdout "$guest" echo_string hello
) >>result 2>err
cp result out && out_is "old
hello"
stub 70 echo call -q -o /dev/fd/01 guest.elf echo_string hello && out_is ""
stub 0 echo call -q -o /dev/stderr guest.elf echo_string hello && out_is "" && err_has "hello"
stub 70 echo call -o /dev/fd/99 guest.elf echo_i32 7 && err_has "Bad file descriptor" &&
    err_has "hint: open it for writing where sconce is started: sconce call ... -o /dev/fd/3 3>FILE"
stub 70 echo call -o /dev/fd/0 guest.elf echo_i32 7 && err_has "hint: open it for writing"
stub 70 echo call -o /dev/full guest.elf echo_i32 7 && err_lacks "hint: "

check "--output that is no regular file is written into, and stays what it is"
mkfifo fifo
exec 3<>fifo # nothing waits for the other end, whether it is opened or not
stub 0 echo call -o fifo guest.elf echo_string hello
[ -p fifo ] || fail "the FIFO was replaced"
echo >&3
head -n 1 <&3 >out
exec 3>&-
out_is "hello
"

check "--output=- and JSON are refused before anything runs"
for file in $stdout_names; do
    stub 2 echo call --format=json -o "$file" missing.elf f &&
        json 'd["error"]["code"] == "invalid"' && err_has "--output=$file and --format=json"
done

check "JSON has the backend, its isolation and a typed value"
stub 0 echo call --format=json guest.elf echo_i32 -7 &&
    json 'd == {"backend": "stub", "isolation": "none", "function": "echo_i32", "type": "i32", "value": -7}'
stub 0 echo call --format=json guest.elf echo_u64 18446744073709551615 &&
    json 'd["value"] == "18446744073709551615"'
stub 0 echo call --format=json guest.elf echo_bytes hex:00ff && json 'd["value"] == "AP8="'
stub 0 echo call --format=json guest.elf echo_f64 0.1 && json 'd["value"] == 0.1'
stub 0 nothing call --format=json guest.elf say x && json 'd["type"] == "none" and d["value"] is None'

check "a failing function is status 1, with its text"
stub 1 fail call guest.elf add 1 2 && err_has "no such thing" && out_is ""
stub 1 fail call --format=json guest.elf add 1 2 &&
    json 'd["error"]["code"] == "guest-failed" and d["error"]["guest_code"] == 9'

check "a fault is status 5, and JSON has its facts"
stub 5 fault call guest.elf add 1 2 && err_has "0x1000"
stub 5 fault call --format=json guest.elf add 1 2 &&
    json 'd["error"]["fault"]["kind"] == "memory" and d["error"]["fault"]["access"] == "write"' &&
    json 'd["error"]["fault"]["address"] == "0x1000" and d["error"]["fault"]["pc"] == "0x401234"'

check "an abort is status 5, and its text cannot drive the terminal"
stub 5 abort call guest.elf add 1 2 && err_has "gone" && err_lacks "$(printf '\033')"

check "a guest that faults while it starts is status 5"
stub 5 start-fault call guest.elf add 1 2

check "a broken protocol is status 5"
stub 5 broken call guest.elf add 1 2 && err_has "99"

check "limits are status 6, and the deadline has a hint"
stub 6 hang call --deadline=20 guest.elf spin && err_has "hint: " && err_has "called"
stub 6 flood call --set=limits.output_bytes=100 guest.elf spin
stub 6 hang call --deadline=20 --format=json guest.elf spin && json 'd["error"]["limit"] == "deadline"'

check "a limit on output that cuts a line says so, on a line of its own"
reached='sconce: the guest reached its limit of 20 bytes printed in one call'
stub 6 flood call -q --set=limits.output_bytes=20 guest.elf spin
cp err of-call
"$SCONCE" run --backend=stub --isolation=any -q --set=limits.output_bytes=20 \
    --set="backend.stub.script=$SCRIPTS/flood.stub" guest-run.elf >of-run 2>&1
for file in of-call of-run; do
    grep -qx 012 $file || fail "the cut line goes on in $file"
    grep -qx "$reached; the last line is cut" $file || fail "$file does not say it on its own line"
done
stub 6 flood run -q --set=limits.output_bytes=20 guest-run.elf && out_is "0123456789abcdef
012"
stub 6 flood call -q --set=limits.output_bytes=34 guest.elf spin && err_lacks "cut"
stub 6 flood call -q --set=limits.output_bytes=20 --format=json guest.elf spin &&
    json 'd["error"]["text"].endswith("; the last line is cut")'

check "a failing backend is status 70"
stub 70 dead call guest.elf spin && err_has "the machine is on fire"

check "isolation is told whenever it is no virtual machine, even with --quiet"
stub 0 echo call --quiet guest.elf echo_i32 1 && err_has "backend stub (isolation: none"

check "--host serves an import by a constant"
stub 0 host call --host visitor_language=pl hello.elf greet World && out_is "pl
"
stub 0 host call -v --host visitor_language=@input hello.elf greet World && out_is "from a file
" && err_has 'host call: visitor_language() = "from a file"' && err_has "host calls 1"

check "an import that is not served is named, with its signature"
stub 2 host call hello.elf greet World && err_has "visitor_language() -> string" && err_has "--host"

check "--host for what the guest does not import is refused"
stub 2 host call --host visitor_language=a --host other=b hello.elf greet World && err_has '"other"'
stub 2 echo call --host other=b guest.elf add 1 2 && err_has "it imports nothing"
stub 2 host call --host visitor_language=a --host visitor_language=b hello.elf greet World &&
    err_has "twice"

check "a call that is ended by a signal dies of it"
dies_of_sigterm_after called "$SCONCE" call --backend=stub --isolation=any --deadline=0 \
    --set="backend.stub.script=$SCRIPTS/hang.stub" guest.elf spin
err_has "signal"

check "a full disk is no success"
"$SCONCE" call --backend=stub --isolation=any --set="backend.stub.script=$SCRIPTS/echo.stub" -q \
    guest.elf echo_i32 1 >/dev/full 2>err
[ $? -eq 70 ] || fail "a result that could not be written was a success"
err_has "cannot write to standard output"

check "system calls are traced when that is asked for"
stub 0 traced call --trace-syscalls guest.elf echo_i32 5 && out_is "5
" && err_has "brk(0x1000, 0x0, 0x0, 0x0, 0x0, 0x0) = -38 (Function not implemented)" &&
    err_has "syscall_999(0x1, 0x2, 0x3, 0x0, 0x0, 0x0) = -38"
stub 0 traced call guest.elf echo_i32 5 && err_lacks "brk"

check "clock and random bytes are what sconce.ini(5) takes"
stub 0 echo call --clock=frozen:5 --random=seed:00ff guest.elf echo_i32 5
stub 2 echo call --clock=sundial guest.elf echo_i32 5 && err_has "--clock: bad value" &&
    err_has "frozen:SECONDS"
stub 2 echo call --random=seed: guest.elf echo_i32 5 && err_has "--random: bad value"

# The argument from a FIFO holds the program at a known point.
check "no file becomes a standard stream that is closed"
mkfifo hold
for fd in 0 1 2; do
    set -- "$SCONCE" call --backend=stub --isolation=any -vv \
        --set="backend.stub.script=$SCRIPTS/echo.stub" guest.elf echo_bytes @hold
    : >out
    : >err
    case $fd in
    0) "$@" >out 2>err <&- & ;;
    1) "$@" >&- 2>err </dev/null & ;;
    2) "$@" >out 2>&- </dev/null & ;;
    esac
    exec 3>hold
    [ "$(readlink "/proc/$!/fd/$fd")" = /dev/null ] || fail "descriptor $fd is something else"
    printf held >&3
    exec 3>&-
    wait $!
    got=$?
    case $fd in
    1) [ $got -eq 70 ] && err_has "cannot write to standard output" ;;
    *) [ $got -eq 0 ] && out_is held ;;
    esac || fail "exit status $got with descriptor $fd closed"
done
"$SCONCE" call --backend=stub --isolation=any --set="backend.stub.script=$SCRIPTS/echo.stub" \
    guest.elf echo_bytes @- >out 2>err <&-
[ $? -eq 2 ] || fail "something was read from a closed standard input"
err_has "cannot read -: Bad file descriptor"

finish
