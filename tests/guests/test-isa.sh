#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guests of x86_64 on a C library that say which processor they need, on BACKEND: what the processor
# has starts, what nothing has is told. SCONCE_CC makes them.
. "$(dirname "$0")/../cli/lib.sh"
need_usable_backend
cd "$tmp" || exit 99

cat >guest.c <<'END'
#include <sconce/guest.h>
SCONCE_EXPORT(int, seven, (void))
{
    return 7;
}
END

# NAME OPTION...
build()
{
    file=$1
    shift
    expect 0 "$SCONCE_CC" --arch=x86_64 --libc=system -O2 "$@" guest.c -o "$file.elf"
}

# STATUS NAME
call()
{
    expect "$1" "$SCONCE" call --quiet --backend="$BACKEND" --isolation="$isolation" "$2.elf" seven
}

# NAME VALUE: the level bits that the linker wrote become VALUE.
set_needed()
{
    expect 0 python3 -c '
import struct, sys
data = open(sys.argv[1], "rb").read()
head = struct.pack("<II", 0xC0008002, 4)
assert data.count(head) == 1
at = data.index(head) + len(head)
data = data[:at] + struct.pack("<I", int(sys.argv[2], 0)) + data[at + 4 :]
open(sys.argv[1], "wb").write(data)' "$1.elf" "$2"
}

# What the machine's own loader finds in the processor is what there is, at most.
has()
{
    grep -qw "$1" /proc/cpuinfo
}

check "a guest that names the first level starts"
build plain && call 0 plain && out_is "7
"

check "a guest that was linked for the second"
if has sse4_2 && has popcnt; then
    build second -Wl,-z,x86-64-v2 && call 0 second && out_is "7
"
fi

# On a backend that hides features the guest says so.
for level in 3 4; do
    check "a guest that was linked for level $level starts, or says what is missing"
    build "level$level" -Wl,-z,x86-64-v$level
    if has avx2 && [ "$BACKEND" = process-x86_64 ] && { [ $level = 3 ] || has avx512vl; }; then
        call 0 "level$level" && out_is "7
"
    else
        "$SCONCE" call --quiet --backend="$BACKEND" --isolation="$isolation" "level$level.elf" \
            seven >out 2>err </dev/null ||
            grep -q "the guest needs x86-64-v$level, the processor that it was given lacks" err ||
            fail "it says something else"
    fi
done

check "what was compiled for a level counts as well"
# Compilers that do not know the option leave no note.
if "$SCONCE_CC" --arch=x86_64 --libc=system -mneeded -march=x86-64-v4 -c guest.c 2>err; then
    expect 0 "$SCONCE_CC" --arch=x86_64 --libc=system guest.o -o compiled.elf
    set_needed compiled 0x1f
    call 5 compiled && err_has "did not start: the guest aborted: the guest needs a newer processor"
fi

check "a level that nothing has is refused at the start"
build newer -Wl,-z,x86-64-v2
set_needed newer 0x10
call 5 newer && err_has "did not start: the guest aborted: the guest needs a newer processor"

check "at fixed addresses, too"
build fixed -no-pie -Wl,-z,x86-64-v2
set_needed fixed 0x80000000
call 5 fixed && err_has "did not start: the guest aborted: the guest needs a newer processor"

finish
