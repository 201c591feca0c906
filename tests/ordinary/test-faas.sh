#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/faas as people run it: its server on a backend with one sandbox, and those that it is
# compared with. Environment: FAAS and NATIVE the servers, GUEST, BACKEND, ISOLATION.
# shellcheck disable=SC2153 # from the environment
. "$(dirname "$0")/../cli/lib.sh"
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$tmp"' EXIT

readonly savings='{"amount": 1000, "years": 10, "tier": 2}'
readonly fault='{"amount": 1, "years": 1, "tier": 99999999999}'
readonly endless='{"amount": 1, "years": 9000000000000000000, "tier": 1}'

# COMMAND...: a server; $url is where it listens, and what it logs goes to $tmp/err.
start()
{
    rm -f "$tmp/said"
    mkfifo "$tmp/said" || exit 99
    "$@" >"$tmp/said" 2>"$tmp/err" &
    server=$!
    read -r line <"$tmp/said" || {
        fail "$* does not listen"
        finish
    }
    url=${line##*: }
}

# It ends in order, with nothing left.
stop()
{
    kill "$server"
    wait "$server" || fail "the server ended with status $?"
    server=
}

# STATUS BODY [PATH]: one request. What comes back is in $tmp/out.
post()
{
    printf '%s' "$2" >"$tmp/body"
    got=$(curl -s --noproxy '*' --data-binary @"$tmp/body" -o "$tmp/out" -w '%{http_code}' \
        "$url${3-savings}")
    [ "$got" = "$1" ] || fail "HTTP status $got, not $1"
}

# N: the answer to $savings, from where it was asked for N times.
answers()
{
    post 200 "$savings"
    out_is '{"path":"/savings","amount":1410.5988,"asked":'"$1"'}'
}

command -v curl >/dev/null || skip "there is no curl"
need_usable_backend
printf 'backend = %s\nisolation = %s\n' "$BACKEND" "$isolation" >>"$SCONCE_CONFIG"
python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())' 2>/dev/null ||
    skip "there is no network, not even 127.0.0.1"

check "each request meets a clean sandbox, though all meet the same"
start "$FAAS" "$GUEST" 0 1
answers 1
answers 1
answers 1

check "what the function refuses is the client's fault"
post 400 'nonsense'
out_is 'bad request
'
err_has "400: handle failed with code 400: '[' or '{' expected near 'nonsense'"
post 400 "$savings" '%ff'
answers 1

check "a fault is told to the log, not to the client"
post 500 "$fault"
out_is 'internal error
'
err_has '500: the guest faulted: memory fault'
answers 1

check "a function that does not end ends by the deadline"
post 504 "$endless"
out_is 'took too long
'
err_has '504: the guest reached its deadline'
answers 1

check "a body that is too large is not kept"
post 413 "$(printf '%20000s' x)"
answers 1

check "who finds all sandboxes lent is sent away, and comes back later"
# Either may be the one: of two that come at once, it is who comes second.
(while [ ! -e "$tmp/enough" ]; do
    curl -s --noproxy '*' -o /dev/null -d "$endless" "$url"
done) &
got=
tries=0
while [ "$got" != 503 ] && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    got=$(curl -s --noproxy '*' -D "$tmp/out" -o /dev/null -w '%{http_code}' -d "$savings" "$url")
done
: >"$tmp/enough"
[ "$got" = 503 ] || fail "nobody was sent away"
out_has 'Retry-After: 1'
wait $!
answers 1
stop

check "a forked child answers the same, as clean"
start "$NATIVE" fork 0
answers 1
answers 1
post 400 'nonsense'
post 504 "$endless"
answers 1
stop

check "in the server's process each request leaves its mark to the next"
start "$NATIVE" in-process 0
answers 1
answers 2
stop

finish
