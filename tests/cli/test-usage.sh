#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Command lines that ask for help, or are wrong.
. "$(dirname "$0")/lib.sh"

check "help is a result, and lists every command"
expect 0 "$SCONCE" --help && err_is ""
cp "$tmp/out" "$tmp/help"
expect 0 "$SCONCE" help && same "$tmp/out" "$tmp/help"
for command in run call inspect backends doctor config; do
    expect 0 "$SCONCE" help && out_has "  $command "
    expect 0 "$SCONCE" help $command && out_has "Usage: sconce $command"
    cp "$tmp/out" "$tmp/help"
    expect 0 "$SCONCE" $command --help && same "$tmp/out" "$tmp/help"
done

check "the version has those of the interfaces"
expect 0 "$SCONCE" --version && out_has "sconce " && out_has "libsconce " && out_has "guest ABI " &&
    out_has "plugin ABI "

check "what is wrong is named, with a hint, and nothing on standard output"
for line in "" "nonsense" "--backend=stub call" "help nonsense" "call" "call guest.elf" \
    "run" "inspect" "inspect a b" "backends x" "call --nonsense a b" "call --format=xml a b"; do
    # shellcheck disable=SC2086
    expect 2 "$SCONCE" $line && out_is ""
done
expect 2 "$SCONCE" nonsense && err_has '"nonsense"' && err_has "hint: "
expect 2 "$SCONCE" call --ver a b --con && err_has "needs a value"

finish
