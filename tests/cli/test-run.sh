#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce run: start-up, the function run, what is printed where.
. "$(dirname "$0")/lib.sh"
need_backend stub
need_guests
cd "$tmp" || exit 99

check "what a guest prints goes to standard output, and what run returns decides"
stub 1 run run guest-run.elf && out_is "started
ran
" && err_has "run() returned 3"
stub 0 run-fine run guest-run.elf && out_is "started
ran
"

check "with JSON, standard output is the document alone"
stub 1 run run --format=json guest-run.elf && json 'd["function"] == "run" and d["value"] == 3' &&
    err_has "ran"

check "without a function run, the functions are listed"
stub 0 echo run guest.elf && out_is "" && err_has "add(i32, i32) -> i32" && err_has "sconce call guest.elf"
stub 0 echo run --quiet guest.elf && err_lacks "add"
stub 0 echo run --format=json guest.elf &&
    json '{"name": "add", "signature": "(i32, i32) -> i32"} in d["functions"]'

check "a guest that faults while it starts is status 5"
stub 5 start-fault run guest.elf

check "a run that fails is status 1"
stub 1 fail run guest-run.elf && err_has "no such thing"

finish
