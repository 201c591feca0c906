#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every malformed guest is refused with the message that tells what is wrong, by a program that
# lives on: when it is inspected, and when it is loaded for a backend (the stub, where it is built).
#   test-badelf.sh SCONCE PLUGIN_DIR FOLDER EXPECTED...
#   test-badelf.sh SCONCE --make MAKE-BADELF BASE
# The second makes the files first, and only inspects them.
set -u

sconce=$1
plugins=$2
folder=$3
if [ "$2" = --make ]; then
    folder=$(mktemp -d) || exit 99
    trap 'rm -rf "$folder"' EXIT
    "$3" "$4" "$folder" || exit 99
    set -- '' '' '' "$folder/expected.txt"
fi
shift 3
failed=0
tab=$(printf '\t')

# shellcheck disable=SC2317 # called by name
inspect() {
    "$sconce" inspect "$1" 2>&1 </dev/null
}

# shellcheck disable=SC2317 # called by name
load() {
    "$sconce" call --plugin-dir="$plugins" --set=runtime.allow_untrusted_plugins=yes \
        --backend=stub --isolation=any "$1" first 1 2>&1 </dev/null
}

# refused HOW NAME MESSAGE
refused() {
    output=$("$1" "$folder/$2.elf")
    status=$?
    case $output in
    *"$3"*) [ "$status" -eq 0 ] || [ "$status" -ge 70 ] || return 0 ;;
    esac
    printf '%s %s: expected "%s", got exit %s: %s\n' "$1" "$2" "$3" "$status" "$output" >&2
    failed=1
}

stub=
[ ! -e "$plugins/sconce-backend-stub.so" ] || stub=1
rows=0
while IFS=$tab read -r name when message; do
    rows=$((rows + 1))
    case $when in
    never)
        inspect "$folder/$name.elf" >/dev/null && continue
        printf '%s: refused, but it is right\n' "$name" >&2
        failed=1
        ;;
    always)
        refused inspect "$name" "$message"
        [ -z "$stub" ] || refused load "$name" "$message"
        ;;
    load) [ -z "$stub" ] || refused load "$name" "$message" ;;
    *)
        printf '%s: expected.txt says "%s"\n' "$name" "$when" >&2
        failed=1
        ;;
    esac
done <<END
$(cat "$@")
END
[ "$rows" -ge 100 ] || {
    printf 'only %s rows were read\n' "$rows" >&2
    failed=1
}
exit $failed
