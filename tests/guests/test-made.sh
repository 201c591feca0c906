#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guests of sources as people have them, made here by SCONCE_CC and SCONCE_CXX (empty where there is
# no C++ library, and MUSL where there is no musl), and called on BACKEND.
. "$(dirname "$0")/../cli/lib.sh"
need_usable_backend
cd "$tmp" || exit 99

# STATUS FUNCTION ARGUMENT...: of guest.elf, with $serve for its imports
serve=
call()
{
    want=$1
    shift
    expect "$want" "$SCONCE" call --quiet --backend="$BACKEND" --isolation="$isolation" \
        ${serve:+--host "$serve"} guest.elf "$@"
}

libcs="none system${MUSL:+ musl}"

cat >export.c <<'END'
#include <sconce/guest.h>
int started;
SCONCE_EXPORT(int, get, (void))
{
    return started;
}
END
cat >main.c <<'END'
extern int started;
int main(void)
{
    started = 42;
    return 0;
}
END
for libc in $libcs; do
    check "main in a library is found, --libc=$libc"
    # shellcheck disable=SC2153 # from the environment
    expect 0 "$SCONCE_CC" --libc="$libc" -c main.c -o main.o
    rm -f libmain.a
    expect 0 ar crs libmain.a main.o
    expect 0 "$SCONCE_CC" --libc="$libc" export.c -o guest.elf libmain.a
    call 0 get && out_is "42
"
    check "there need not be a main, --libc=$libc"
    expect 0 "$SCONCE_CC" --libc="$libc" export.c -o guest.elf
    call 0 get && out_is "0
"
done

cat >fails.c <<'END'
#include <sconce/guest.h>
int main(void)
{
    sconce_fail(7, "no luck");
    sconce_ready();
}
SCONCE_EXPORT(int, get, (void))
{
    return 1;
}
END
for libc in $libcs; do
    check "a failure before main rings READY by itself ends the guest, --libc=$libc"
    expect 0 "$SCONCE_CC" --libc="$libc" fails.c -o guest.elf
    call 5 get && err_has "did not start: the guest aborted: no luck"
done

cat >sizes.c <<'END'
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sconce/guest.h>
/* How many blocks have less room than was asked for, or cannot be used to the end. */
SCONCE_EXPORT(int, short_blocks, (void))
{
    int bad = malloc_usable_size(NULL) != 0;

    for (size_t bytes = 1; bytes < 3000; bytes += 37) {
        unsigned char *plain = malloc(bytes), *aligned = NULL;
        size_t room = plain ? malloc_usable_size(plain) : 0;

        if (posix_memalign((void **)&aligned, 256, bytes) != 0)
            return -1;
        bad += room < bytes || malloc_usable_size(aligned) < bytes;
        if (room)
            memset(plain, 1, room);
        memset(aligned, 2, malloc_usable_size(aligned));
        free(plain);
        free(aligned);
    }
    return bad;
}
END
for libc in system ${MUSL:+musl}; do
    check "blocks tell their size, --libc=$libc"
    expect 0 "$SCONCE_CC" --libc="$libc" sizes.c -o guest.elf
    call 0 short_blocks && out_is "0
"
done

check "a name may have as many characters as the ABI allows, and no more"
long=$(printf '%0254d' 0)
for suffix in '' x; do
    printf '#include <sconce/guest.h>\nSCONCE_EXPORT(int, a%s%s, (void))\n{\n    return 1;\n}\n' \
        "$long" "$suffix" >"long$suffix.c"
done
expect 0 "$SCONCE_CC" -c long.c -o long.o
expect 1 "$SCONCE_CC" -c longx.c -o long.o && err_has "the name is too long"

if [ -n "$SCONCE_CXX" ]; then
    check "functions in C++ may have the names of others"
    cat >names.cc <<'END'
#include <algorithm>
#include <string>
#include <sconce/guest.h>
using namespace std;
static double scale(double by)
{
    return by * 2;
}
SCONCE_IMPORT(int, find, (int value));
SCONCE_EXPORT(int, count, (sconce_str word))
{
    return static_cast<int>(word.length);
}
namespace deep
{
SCONCE_EXPORT(int, move, (int value))
{
    return find(value) + 1;
}
}
SCONCE_EXPORT(int, scale, (int by))
{
    return by + static_cast<int>(scale(1.5));
}
END
    expect 0 "$SCONCE_CXX" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Werror \
        names.cc -o guest.elf
    serve=find=6
    call 0 count three && out_is "5
"
    call 0 scale 4 && out_is "7
"
    call 0 move 1 && out_is "7
"
    serve=
    check "too long a name is too long in C++, too"
    cp longx.c longx.cc
    expect 1 "$SCONCE_CXX" -c longx.cc -o long.o && err_has "the name is too long"
    for source in a.c++ a.cp a.CPP a.C; do
        check "$source is a source"
        cp export.c "$source"
        expect 0 "$SCONCE_CXX" "$source" -o guest.elf
        call 0 get && out_is "0
"
    done
fi

finish
