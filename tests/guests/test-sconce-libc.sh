#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce-cc --libc=system, --libc=musl and sconce-c++ in the place of cc and c++: what makefiles and
# configure ask of them, and that what comes of it runs as a program and is a guest.
#   test-sconce-libc.sh FOLDER-OF-SCONCE-CC SCONCE ARCH LIBC...
# What is made runs where the build machine is of ARCH; elsewhere it is only inspected.
# shellcheck disable=SC2016 # the quoted scripts expand for themselves
set -u

compilers=$1
sconce=$(realpath "$2")
arch=$3
shift 3
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
. "$here/compilers.sh"

# A guest that the host takes, and that is a program by itself: it says TEXT.
# shellcheck disable=SC2317 # called by name
is_guest() {
    if ! "$sconce" inspect "$1" >inspect.txt 2>&1 || ! grep -q "guest for $arch\$" inspect.txt; then
        cat inspect.txt
        return 1
    fi
    [ "$arch" != "$(uname -m)" ] || [ "$("./$1")" = "$2" ]
}

# makes WHAT COMMAND...: COMMAND -o made.elf, and made.elf is well.
makes() {
    rm -f made.elf
    check "$@" -o made.elf
    check "$1: its guest" is_guest made.elf "$text"
}

compiler() {
    printf '#!/bin/sh\nexec "%s/%s" --arch=%s "$@"\n' "$compilers" "$2" "$arch" >"$1"
    chmod +x "$1"
}
cc=$work/guest-cc cxx=$work/guest-c++
compiler "$cc" sconce-cc
compiler "$cxx" sconce-c++

cat >main.c <<'END'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static _Thread_local double root;

    pthread_mutex_lock(&mutex);
    root = sqrt(argc * 4.0 + (argv[argc] != NULL));
    pthread_mutex_unlock(&mutex);
    printf("root %.1f\n", root);
    return 0;
}
END
cat >main.cc <<'END'
#include <iostream>
#include <stdexcept>
int main()
{
    try {
        throw std::runtime_error("caught");
    } catch (const std::exception &error) {
        std::cout << error.what() << std::endl;
    }
}
END
printf '.globl nothing\nnothing: ret\n.section .note.GNU-stack,"",%%progbits\n' >nothing.S

libc_cases() {
    text='root 2.0'
    makes 'all behind' "$cc" main.c -lm -O2 --libc="$libc"
    cp made.elf program.elf
    check 'compile' "$cc" --libc="$libc" -O2 -c main.c
    makes 'link' "$cc" main.o --libc="$libc" -lm
    makes 'threads, static, debug' "$cc" --libc="$libc" -pthread -static -g -O0 main.c -lm
    makes 'static-pie' "$cc" --libc="$libc" -static-pie main.c -lm
    makes 'fixed addresses' "$cc" --libc="$libc" -no-pie main.c -lm
    for option in -static --static -rdynamic -static-libgcc -Wl,-Bdynamic; do
        printf '%s\n' "$option" >arguments
        refuse "$option in a response file" "$option stands in the response file arguments" \
            "$cc" --libc="$libc" main.c @arguments -lm
        check "$option in one that links nothing" "$cc" --libc="$libc" -c main.c @arguments
        check "$option in one beside a query" "$cc" --libc="$libc" --print-sdk-dir main.c @arguments
        check "$option in one beside a query of gcc's" \
            "$cc" --libc="$libc" -print-search-dirs main.c @arguments
    done
    printf '%s\n' '-DNAME="\"-O2 -static -g\""' >arguments
    makes 'an option within another in a response file' "$cc" --libc="$libc" main.c @arguments -lm
    for option in -fno-pie -fno-PIC -pie -static-pie -lm; do
        printf '%s\n' "$option" >arguments
        makes "$option in a response file" "$cc" --libc="$libc" main.c @arguments -lm
    done
    printf '%s\n' -no-pie >arguments
    makes '-no-pie in a response file' "$cc" --libc="$libc" main.c @arguments -lm
    makes '--static' "$cc" --libc="$libc" --static main.c -lm
    makes 'every library that programs name' "$cc" --libc="$libc" main.c -lm -ldl -lrt -lpthread -lc
    makes 'unused code removed' "$cc" --libc="$libc" -ffunction-sections -Wl,--gc-sections -s main.c -lm
    makes 'exported symbols' "$cc" --libc="$libc" -rdynamic main.c -lm
    makes 'assembly' "$cc" --libc="$libc" main.c nothing.S -lm
    makes 'the source on standard input' sh -c 'f=$1 && shift && exec "$@" <"$f"' sh main.c \
        "$cc" --libc="$libc" -x c - -lm
    makes 'libraries static, then shared' "$cc" --libc="$libc" main.c -Wl,-Bstatic -lm -Wl,-Bdynamic
    makes 'a static compiler runtime' "$cc" --libc="$libc" -static-libgcc main.c -lm
    makes 'libraries static, then shared, in one word' \
        "$cc" --libc="$libc" main.c -lm -Wl,-Bstatic,-Bdynamic
    check 'no PIE, compiled alone' "$cc" --libc="$libc" -fno-pie -fno-pic -c main.c -o plain.o
    makes 'no PIE, linked' "$cc" --libc="$libc" plain.o -lm
    makes 'no PIE, linked as such' "$cc" --libc="$libc" -no-pie plain.o -lm
    check 'relocatable' "$cc" --libc="$libc" -r main.o -o joined.o
    makes 'link what was joined' "$cc" --libc="$libc" joined.o -lm
    check 'archive' ar rc libmain.a main.o
    makes 'main in an archive' "$cc" --libc="$libc" -L. -lmain -lm
    check 'objects of link-time optimisation' "$cc" --libc="$libc" -O2 -flto -c main.c -o lto.o
    makes 'link-time optimisation' "$cc" --libc="$libc" -O2 -flto lto.o -lm

    check 'preprocess' sh -c '"$1" --libc="$2" -E main.c | grep -q "int main"' sh "$cc" "$libc"
    check 'dependencies' sh -c '"$1" --libc="$2" -M main.c | grep -q stdio.h' sh "$cc" "$libc"
    check 'dependencies beside' sh -c '"$1" --libc="$2" -MMD -MF d -c main.c && grep -q main.c d' \
        sh "$cc" "$libc"
    for query in --version -v -dumpmachine -print-prog-name=ld; do
        rm -f a.out
        check "$query" "$cc" --libc="$libc" $query
        check "$query links nothing" test ! -e a.out
    done
    refuse 'shared objects' 'one file' "$cc" --libc="$libc" -shared main.c
    refuse 'a function that is nowhere' 'sqrt' "$cc" --libc="$libc" -fno-builtin main.c -nodefaultlibs
    configure_like
}

# What a configure does: does the compiler make programs, do they run, what is in the library.
configure_like() {
    export CC="$cc --libc=$libc"
    check 'configure: a compiler that works' sh -c '
        set -e
        rm -f a.out conftest*
        printf "int main(void) { return 0; }\n" >conftest.c
        $CC conftest.c
        test -f a.out
        [ "$1" != "$(uname -m)" ] || ./a.out
        $CC -o conftest conftest.c
        $CC -c conftest.c
        test -f conftest.o' sh "$arch"
    check 'configure: sizes and results' sh -c '
        set -e
        printf "int main(void) { return sizeof(long) == 8 ? 7 : 1; }\n" >conftest.c
        $CC -o conftest conftest.c
        [ "$1" = "$(uname -m)" ] || exit 0
        ./conftest || test $? = 7' sh "$arch"
    check 'configure: a function that is there, and one that is not' sh -c '
        printf "char getline(); int main(void) { return getline(); }\n" >conftest.c
        $CC -w -fno-builtin -o conftest conftest.c || exit 1
        printf "char get_no_line(); int main(void) { return get_no_line(); }\n" >conftest.c
        ! $CC -w -o conftest conftest.c 2>/dev/null'
    check 'make' make -s -f /dev/null CC="$CC" LDLIBS=-lm main
    unset CC
}

cxx_cases() {
    text=caught
    makes 'at once' "$cxx" -O2 main.cc
    check 'compile' "$cxx" -c main.cc -o plus.o
    makes 'link' "$cxx" plus.o
    makes 'link-time optimisation' "$cxx" -O2 -flto main.cc
    makes 'static libraries of the compiler' "$cxx" -pthread -static-libstdc++ -static-libgcc main.cc
    makes 'linked by the C compiler' "$cc" --libc=system plus.o -lstdc++
    refuse 'no C library' 'needs a C library' "$cxx" --libc=none main.cc
    refuse 'musl' 'not for musl' "$cxx" --libc=musl main.cc
}

for libc; do
    prefix="$libc: "
    case $libc in
    c++) cxx_cases ;;
    *) libc_cases ;;
    esac
done
prefix=
refuse 'a C library that nobody knows' 'there are none, system and musl' "$cc" --libc=newlib main.c
refuse 'musl that is nowhere' 'there is no musl for' env SCONCE_MUSL=/nonexistent \
    "$cc" --libc=musl main.c
exit $failed
