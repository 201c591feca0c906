#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages and --help tell the same: every option of a command is named in its page, and
# described there or in sconce(1); every option that a page describes exists. MAN: docs/man.
. "$(dirname "$0")/lib.sh"

commands=$("$SCONCE" help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' | grep -vx help)

options_of()
{
    "$SCONCE" help "$1" | sed -n 's/^ \{2,6\}\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p'
}

# An option is described where it starts a line in bold.
describes()
{
    grep -qE -e "^(\*-[a-z]\*, )?\*--$2\*" "$1"
}

check "there are commands to look at"
[ "$(echo "$commands" | wc -l)" -ge 6 ] || fail "found only: $commands"

for command in $commands; do
    page=$MAN/sconce-$command.1.scd
    check "sconce $command: every option of --help is in the pages"
    [ -f "$page" ] || {
        fail "there is no page"
        continue
    }
    for option in $(options_of "$command"); do
        grep -qF -e "*--$option*" "$page" || fail "its page does not name --$option"
        describes "$page" "$option" || describes "$MAN/sconce.1.scd" "$option" ||
            fail "--$option is described nowhere"
    done

    check "sconce $command: every option of its page exists"
    for option in $(grep -oE -e '\*--[a-z-]+\*' "$page" | tr -d '*' | sed 's/^--//' | sort -u); do
        options_of "$command" | grep -qx -e "$option" || fail "--$option is in its page alone"
    done

    check "sconce $command: is in sconce(1)"
    grep -q "^\*$command\*" "$MAN/sconce.1.scd" || fail "it is not"
    grep -qF "*sconce-$command*(1)" "$MAN/sconce.1.scd" || fail "its page is not referred to"
done

check "every exit status of sconce(1) is a status of the program"
for status in 0 1 2 3 4 5 6 70; do
    grep -qx -e "\*$status\*" "$MAN/sconce.1.scd" || fail "$status is not there"
done

finish
