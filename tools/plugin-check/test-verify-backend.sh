#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/verify-backend ends as sconce-plugin-check does, and its report has all that a stranger must
# know: test-verify-backend.sh TOOL SCONCE CHECK STUB
set -u
program=$1
export SCONCE="$2" SCONCE_PLUGIN_CHECK="$3"
export SCONCE_OPTIONS="--plugin-dir=${4%/*} --set=runtime.allow_untrusted_plugins=yes"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# shellcheck source=expect.sh
. "$(dirname "$0")/expect.sh"

holds() {
    grep -q -e "$2" "$1" || {
        echo "FAILED: the report does not say \"$2\":"
        sed 's/^/    /' "$1"
        failures=$((failures + 1))
    }
}

expect 2 '^usage: '
expect 2 '^usage: ' --nonesuch
expect 2 '^usage: ' one two three
expect 0 '^usage: ' --help

# Who asks for all of uname(1) gets the machine's name.
mkdir "$folder/bin"
cat >"$folder/bin/uname" <<'END'
#!/bin/sh
case $* in
*n* | *a*) echo machines-own-name ;;
*) exec /bin/uname "$@" ;;
esac
END
chmod +x "$folder/bin/uname"
PATH=$folder/bin:$PATH
export CHECK_OPTIONS='--only=file.*'
expect 0 '^stub: [1-9][0-9]* passed, 0 failed' stub "$folder/good"
expect 2 'is there already' stub "$folder/good"
for line in "^Linux .* $(uname -m)\$" '^plugin ABI ' '^stub .* works ' '^ok    file.note ' \
    '^exit status 0$'; do
    holds "$folder/good" "$line"
done
! grep -q machines-own-name "$folder/good" || {
    echo "FAILED: the report has the machine's name"
    failures=$((failures + 1))
}

expect 2 'no such plugin: nonesuch' nonesuch "$folder/missing"
holds "$folder/missing" '^exit status 2$'
SCONCE=/nonexistent expect 2 'there is no /nonexistent' stub "$folder/never"
[ ! -e "$folder/never" ] || failures=$((failures + 1))

[ "$failures" -eq 0 ]
