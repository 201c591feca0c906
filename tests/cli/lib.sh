# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of the program share. Each test sources this, says `check NAME` before what it
# looks at, and ends with `finish`. From meson's environment: SCONCE (the program), PLUGIN_DIR,
# SCRIPTS, GUESTS (a folder with guest.elf, guest-run.elf and hello.elf, or empty), and BACKEND.

set -u
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
checked=0
failures=0

# Only what a test says counts. The build tree lies where others may write; that is not tested here.
unset SCONCE_CONFIG SCONCE_PLUGIN_DIR
SCONCE_CONFIG=$tmp/sconce.ini
export SCONCE_CONFIG
: >"$tmp/out"
: >"$tmp/err"
cat >"$SCONCE_CONFIG" <<END
[runtime]
plugin_dir = $PLUGIN_DIR
allow_untrusted_plugins = yes
END

# What is left; what has failed by then has failed.
skip()
{
    echo "skipped: $1"
    [ "$failures" -eq 0 ] || exit 1
    exit 77
}

need_guests()
{
    [ -n "$GUESTS" ] || skip "guests are not built"
    cp "$GUESTS"/*.elf "$tmp"
}

need_backend()
{
    [ -f "$PLUGIN_DIR/sconce-backend-$1.so" ] || skip "backend $1 is not built"
}

# BACKEND can run guests here, behind a wall of ISOLATION; $isolation is what lets it.
need_usable_backend()
{
    need_backend "$BACKEND"
    "$SCONCE" backends --probe --format=json 2>/dev/null | python3 -c '
import json, sys
sys.exit(not any(b["name"] == sys.argv[1] and b["usable"] for b in json.load(sys.stdin)))' "$BACKEND" ||
        skip "$("$SCONCE" doctor | grep -F " $BACKEND ")"
    # shellcheck disable=SC2034,SC2153 # for those who source this; from the environment
    isolation=vm
    # shellcheck disable=SC2034,SC2153
    [ "$ISOLATION" = vm ] || isolation=any
}

check()
{
    name=$1
    checked=$((checked + 1))
}

same()
{
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

fail()
{
    failures=$((failures + 1))
    echo "FAILED: $name: $1"
    sed 's/^/    out: /' "$tmp/out"
    sed 's/^/    err: /' "$tmp/err"
}

# STATUS COMMAND...: fed with $stdin, if that is set; what it says is kept in $tmp/out and $tmp/err. Returns 1 on another status.
expect()
{
    want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" <"${stdin:-/dev/null}"
    got=$?
    [ "$got" -eq "$want" ] || {
        fail "exit status $got, not $want"
        return 1
    }
}

# The program on the stub backend, playing a script: STATUS SCRIPT COMMAND ARG...
stub()
{
    want=$1 script=$2 command=$3
    shift 3
    expect "$want" "$SCONCE" "$command" --backend=stub --isolation=any \
        --set="backend.stub.script=$SCRIPTS/$script.stub" "$@"
}

out_is()
{
    printf '%s' "$1" | cmp -s - "$tmp/out" || fail "standard output is not '$1'"
}

err_is()
{
    printf '%s' "$1" | cmp -s - "$tmp/err" || fail "standard error is not '$1'"
}

out_has()
{
    grep -qF -e "$1" "$tmp/out" || fail "standard output does not say '$1'"
}

out_lacks()
{
    ! grep -qF -e "$1" "$tmp/out" || fail "standard output says '$1'"
}

err_has()
{
    grep -qF -e "$1" "$tmp/err" || fail "standard error does not say '$1'"
}

err_lacks()
{
    ! grep -qF -e "$1" "$tmp/err" || fail "standard error says '$1'"
}

# Standard output is one JSON document, here called d, and the Python expression is true of it.
json()
{
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$tmp/out" "$1" 2>"$tmp/why" ||
        fail "not so: $1 $(cat "$tmp/why")"
}

# WORD COMMAND...: when the command has said WORD on standard error, it gets SIGTERM, dies of it,
# and says nothing on standard output.
dies_of_sigterm_after()
{
    word=$1
    shift
    mkfifo "$tmp/said" || exit 99
    "$@" >"$tmp/out" 2>"$tmp/said" </dev/null &
    pid=$!
    : >"$tmp/err"
    exec 3<"$tmp/said"
    while read -r line <&3; do
        echo "$line" >>"$tmp/err"
        [ "$line" = "$word" ] && kill -TERM $pid
    done
    exec 3<&-
    wait $pid
    got=$?
    [ "$got" -eq 143 ] || fail "exit status $got, not that of SIGTERM"
    out_is ""
}

finish()
{
    echo "$checked checked, $failures failed"
    [ "$failures" -eq 0 ] && [ "$checked" -gt 0 ]
    exit
}
