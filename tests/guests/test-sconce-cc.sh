#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce-cc as a compiler: what people and build systems ask of cc.
#   test-sconce-cc.sh SCONCE-CC SCONCE FOLDER-WITH-TEST-GUESTS ARCH
# SCONCE_REAL_CC chooses the compiler behind it.
# shellcheck disable=SC2016 # the quoted scripts expand for themselves
set -u

built=$1
sconce=$(realpath "$2")
sources=$3
arch=$4
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
. "$here/compilers.sh"

# One word, as make and others want it.
cc=$work/guest-cc
printf '#!/bin/sh\nexec "%s" --arch=%s "$@"\n' "$built" "$arch" >"$cc"
chmod +x "$cc"

# A guest that the host takes, and that exports what it is named for.
# shellcheck disable=SC2317 # called by name
guest_with() {
    "$sconce" inspect "$1" >inspect.txt 2>&1 && grep -q "$2" inspect.txt &&
        grep -q "guest for $arch\$" inspect.txt
}

cat >one.c <<'END'
#include <sconce/guest.h>
#include <stdio.h>
#include "part.h"
SCONCE_IMPORT(int32_t, host_one, (int32_t value));
SCONCE_EXPORT(int32_t, one, (int32_t value))
{
    printf("%d\n", (int)value);
    return part(host_one(value));
}
END
cat >part.h <<'END'
int part(int value);
END
cat >part.c <<'END'
#include <string.h>
#include "part.h"
int part(int value)
{
    char text[40];

    memset(text, value, sizeof text);
    return (int)strnlen(text, sizeof text);
}
END

# ---- Compiling and linking ----------------------------------------------------------------------

check 'two files at once' "$cc" one.c part.c -o once.elf
check 'its guest' guest_with once.elf one
check 'compile the first' "$cc" -c one.c
check 'compile the second into a named object' "$cc" -O2 -g -c part.c -o "with space.o"
check 'link objects' "$cc" one.o "with space.o" -o objects.elf
check 'its guest' guest_with objects.elf one
check 'no -o' "$cc" one.o "with space.o"
check 'its guest' guest_with a.out one
mv "with space.o" part.o
check 'an archive' ar rc libpart.a part.o
check 'link with the archive' "$cc" one.c -L. -lpart -o archive.elf
check 'its guest' guest_with archive.elf one
check 'exports from an archive that nothing else pulls in' ar rc libone.a one.o
check 'link the whole archive' "$cc" -Wl,--whole-archive libone.a -Wl,--no-whole-archive part.o \
    -o whole.elf
check 'its guest' guest_with whole.elf one
check 'unused code removed, symbols too' "$cc" -ffunction-sections -fdata-sections \
    -Wl,--gc-sections -s one.c part.c -o small.elf
check 'its guest' guest_with small.elf one
check 'link-time optimisation' "$cc" -O2 -flto one.c part.c -o lto.elf
check 'its guest' guest_with lto.elf one
printf 'int main(void);\nint main(void) { return 0; }\n' >main.c
check 'compile a main' "$cc" -c main.c
check 'its archive' ar rc libmain.a main.o
check 'link with main in an archive' "$cc" one.c part.c -L. -lmain -Wl,-Map,main.map -o main.elf
check 'its guest' guest_with main.elf one
check 'main is in it' grep -q 'libmain.a(main.o)' main.map
check 'archives alone' "$cc" -Wl,--whole-archive -L. -lone -Wl,--no-whole-archive -lpart -o alone.elf
check 'its guest' guest_with alone.elf one
check 'relocatable' "$cc" -r one.o part.o -o joined.o
check 'link what was joined' "$cc" joined.o -o joined.elf
check 'its guest' guest_with joined.elf one
check 'fixed addresses' "$cc" -no-pie one.c part.c -o fixed.elf
check 'its guest' guest_with fixed.elf one
printf '%s\n' '-O2' 'one.c part.c' '-o response.elf' >arguments
check 'a response file' "$cc" @arguments
check 'its guest' guest_with response.elf one
printf '%s\n' '"-O2"' "'one.c' \"part.c\"" '-o "quoted.elf"' >arguments
check 'a response file with quotes' "$cc" @arguments
check 'its guest' guest_with quoted.elf one
printf '%s\n' '-DTEXT="\"-O2 --libc=system -g\""' \
    '"-DCONF=\"--prefix=/usr --arch=z80\"" -DA='\''"--arch=z80 "'\''' '-DB="' '--libc=z80 "' \
    '-DC=\ --arch=z80 -DD="" part.c' '-I --sconce-version' >arguments
check 'options within other words of a response file' "$cc" -E @arguments
printf '%s\n' 'part.c @absent' >inner
printf '%s\n' '-O2 "@inner" one.c -o' 'nested.elf' >arguments
refuse 'a response file that is not there' 'absent' "$cc" @arguments
printf '%s\n' 'part.c' >inner
check 'a response file in another' "$cc" @arguments
check 'its guest' guest_with nested.elf one
printf '%s\n' '-static' >arguments
check 'a response file that names the default' "$cc" one.c part.c @arguments -o static.elf
check 'its guest' guest_with static.elf one
printf '%s\n' '"-c" -o' 'by\-response.o' >arguments
check 'a response file that links nothing, and says nothing' \
    sh -c 'test -z "$("$1" @arguments part.c 2>&1)"' sh "$cc"
check 'link its object' "$cc" one.c by-response.o -o by-response.elf
check 'its guest' guest_with by-response.elf one
check '-lm' "$cc" one.c part.c -lm -o maths.elf
check 'its guest' guest_with maths.elf one
check 'the source on standard input' sh -c '"$1" -x c -c - -o stdin.o <part.c' sh "$cc"
check 'a language for all' "$cc" -x c one.c part.c -o language.elf
check 'its guest' guest_with language.elf one
ln -s "$built" linked-cc
check 'called by a symbolic link' ./linked-cc --arch="$arch" one.c part.c -o linked.elf
check 'its guest' guest_with linked.elf one
check 'make' make -s CC="$cc" CFLAGS=-O2 one.o

control_flow=-fcf-protection
[ "$arch" != aarch64 ] || control_flow=-mbranch-protection=standard
check 'flags of hardened host programs' "$cc" -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
    -fstack-clash-protection $control_flow -fno-pie -fno-pic -pie -static -Wl,-z,relro -Wl,-z,now \
    -Wl,--as-needed -Wl,-z,defs one.c part.c -o hardened.elf
check 'its guest' guest_with hardened.elf one
for standard in c11 gnu11 gnu17; do
    check "the macros under -std=$standard" "$cc" -std=$standard -pedantic -Wall -Wextra -Wshadow \
        -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror -c "$sources/types.c" -o types.o
done

# Atomic operations are instructions, and not the helpers that ask the host's C library for more.
printf 'int add(int *p);\nint add(int *p) { return __atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST); }\n' \
    >atomic.c
check 'atomic operations' "$cc" -O2 one.c part.c atomic.c -Wl,-u,add -o atomic.elf
check 'its guest' guest_with atomic.elf one
# A machine's long double may be functions of the compiler's runtime.
printf 'long double f(long double x);\nlong double f(long double x) { return x * x + 1; }\n' >long.c
check 'long double' "$cc" -O2 one.c part.c long.c -Wl,-u,f -o long.elf
check 'its guest' guest_with long.elf one

# ---- Doing no more than is asked ----------------------------------------------------------------

check 'preprocess' sh -c '"$1" -E one.c | grep -q "int32_t one"' sh "$cc"
check 'assembly' sh -c '"$1" -S part.c && grep -q part: part.s' sh "$cc"
check 'dependencies' sh -c '"$1" -M one.c | grep -q sconce/guest.h' sh "$cc"
check 'dependencies beside' sh -c '"$1" -MD -MF one.d -c one.c && grep -q part.h one.d' sh "$cc"
check 'syntax only' "$cc" -fsyntax-only one.c
for query in --version -v -dumpmachine -print-search-dirs --help --print-sdk-dir --print-compiler \
    --sconce-version; do
    rm -f a.out
    check "$query" "$cc" $query
    check "$query links nothing" test ! -e a.out
done
check 'the headers are where it says' sh -c 'test -e "$("$1" --print-sdk-dir)/sconce/guest.h"' sh "$cc"

# An SDK that was installed where there is no compiler.
mkdir bare no-compiler
sed "s|^default_ccs=.*|default_ccs=''|" "$built" >bare/sconce-cc
chmod +x bare/sconce-cc
ln -s "${built%/*}/crt" bare/crt
for tool in cat paste uname; do
    ln -s "$(command -v $tool)" no-compiler/$tool
done
# shellcheck disable=SC2317 # called by name
without_compiler() {
    env -u SCONCE_REAL_CC PATH="$work/no-compiler" bare/sconce-cc "$@"
}
for query in --help --print-sdk-dir --sconce-version; do
    check "$query without a compiler" without_compiler $query
done
check '--help tells the architecture' sh -c '"$1" --help | grep -qw "$2"' sh "$cc" "$arch"
refuse 'no compiler' 'found no C compiler' without_compiler --print-compiler

# ---- Refusals -----------------------------------------------------------------------------------

refuse 'sanitizers' 'sanitizers need a runtime' "$cc" -fsanitize=address one.c part.c
refuse 'coverage' 'profiling needs a runtime' "$cc" --coverage one.c part.c
refuse 'shared objects' 'one file' "$cc" -shared part.c
refuse '32 bit' '64-bit' "$cc" -m32 -c part.c
refuse 'the C library of the host' 'links a small C library of its own' "$cc" one.c part.c -lc
refuse 'unknown architecture' 'no SDK for the architecture' "$cc" --arch=z80 -c part.c
refuse 'itself as the compiler' 'sconce-cc itself' env SCONCE_REAL_CC="$built" "$cc" -c part.c
for option in --libc=system --arch=x86_64 --print-sdk-dir --print-compiler --sconce-version; do
    printf '%s\n' '-O2' "\"$option\"" 'part.c' >arguments
    refuse "$option in a response file" "$option stands in the response file arguments" \
        "$cc" -c @arguments
    printf '%s\n' '-O2 @arguments' >outer
    refuse "$option in a response file in another" "$option stands in the response file outer" \
        "$cc" -c @outer
done
printf '%s\n' '-O2 -DLIBC -D' '--libc=system part.c' >arguments
refuse 'the value of another option in a response file' 'macro name' "$cc" -c @arguments
refuse 'a file that is not there' 'absent.c' "$cc" -c absent.c
refuse 'a function that is nowhere' 'part' "$cc" one.c

printf '#include <unistd.h>\n' >host-header.c
refuse 'headers of the host' 'unistd.h' "$cc" -c host-header.c
refuse 'headers of the host by CPATH' 'unistd.h' env CPATH=/usr/include "$cc" -c host-header.c
printf 'extern _Thread_local int x; _Thread_local int x; int f(void); int f(void) { return x; }\n' \
    >thread.c
refuse 'thread-local variables' 'no thread-local variables' "$cc" one.c part.c thread.c

bad_type() {
    printf '#include <sconce/guest.h>\nSCONCE_EXPORT(%s, f, %s)\n{\n    for (;;)\n        ;\n}\n' \
        "$1" "$2" >bad-type.c
    refuse "export $1 f$2" 'error' "$cc" -c bad-type.c
}
bad_type 'short' '(void)'
bad_type 'void *' '(void)'
bad_type 'int32_t' '(char c)'
bad_type 'int32_t' '(char *text)'
bad_type 'int32_t' '(void *p)'
bad_type 'int32_t' '(long double x)'
bad_type 'int32_t' '()'
bad_type 'int32_t' '(int a,int b,int c,int d,int e,int f,int g,int h,int i,int j,int k,int l,int m,int n,int o,int p,int q)'

exit $failed
