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

check "an unknown letter among several is named, whatever stands before"
expect 2 "$SCONCE" run prog.elf --quiet -lx && err_has "there is no option -l"
expect 2 "$SCONCE" run prog.elf --quiet -px && err_has "there is no option -p"
expect 2 "$SCONCE" run prog.elf -q --quiet=1 && err_has "option --quiet takes no value"

check "an unknown option behind a guest's name may be the guest's: the hint says how"
expect 2 "$SCONCE" run prog.elf -l && err_is "sconce: there is no option -l
hint: sconce run --help; what is meant for the guest stands behind --: sconce run prog.elf -- -l
"
expect 2 "$SCONCE" run prog.elf --lines a && err_has "sconce run prog.elf -- --lines"
expect 2 "$SCONCE" call a.elf f --lines && err_has "sconce call a.elf f -- --lines"

check "the hint has the whole word, and names as a shell takes them"
expect 2 "$SCONCE" run prog.elf -lx && err_is "sconce: there is no option -l
hint: sconce run --help; what is meant for the guest stands behind --: sconce run prog.elf -- -lx
"
expect 2 "$SCONCE" run "my prog.elf" "--with lines" &&
    err_has "sconce run 'my prog.elf' -- '--with lines'"
expect 2 "$SCONCE" call "it's" f -l && err_has "sconce call 'it'\\''s' f -- -l"

check "the hint has no example where a part of the word is an option of ours"
expect 2 "$SCONCE" run prog.elf -ql && err_is "sconce: there is no option -l
hint: sconce run --help; what is meant for the guest stands behind --
"
expect 2 "$SCONCE" call a.elf f -q-5 && err_has "stands behind --" && err_lacks "--:"
long=$(printf '%01100d' 0)
expect 2 "$SCONCE" run "$long" -l && err_has "stands behind --" && err_lacks "--:"

check "in front of the guest's name it is not the guest's"
expect 2 "$SCONCE" run -l prog.elf && err_lacks "guest"
expect 2 "$SCONCE" call --lines a.elf f && err_lacks "guest"
expect 2 "$SCONCE" inspect a.elf -l && err_lacks "guest"

finish
