#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce config: values and where they came from.
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 99

check "every value has its origin"
cat >my.ini <<'END'
[limits]
deadline_ms = 250
END
expect 0 "$SCONCE" config --config=my.ini --isolation=any --set=limits.heap_bytes=32M &&
    out_has "default" && out_has "# my.ini:2" && out_has "# --isolation" && out_has "# --set" &&
    out_has "limits.deadline_ms = 250"

check "--dump is the same as nothing"
expect 0 "$SCONCE" config --config=my.ini
cp out plain
expect 0 "$SCONCE" config --dump --config=my.ini && same out plain

check "JSON has key, value, origin and help of each"
expect 0 "$SCONCE" config --config=my.ini --deadline=9 --format=json &&
    json 'all(sorted(s) == ["help", "key", "origin", "value"] for s in d)' &&
    json '[s["origin"] for s in d if s["key"] == "limits.deadline_ms"] == ["--deadline"]'

check "the environment names the file and the plugins"
expect 0 env SCONCE_CONFIG=my.ini SCONCE_PLUGIN_DIR=/plugins "$SCONCE" config &&
    out_has "# SCONCE_PLUGIN_DIR" && out_has "my.ini:2"

check "--check tells a good file from a bad one"
expect 0 "$SCONCE" config --check=my.ini && out_is "my.ini: ok
"
echo "deadline_s = 3" >>my.ini
expect 3 "$SCONCE" config --check=my.ini && err_has "my.ini:3" && err_has "deadline_ms"
expect 3 "$SCONCE" config --check=my.ini --format=json && json 'd["error"]["code"] == "config"'
expect 3 "$SCONCE" config --check=missing.ini && err_has "missing.ini"

check "a bad file is status 3, a bad option status 2"
expect 3 "$SCONCE" config --config=my.ini && err_has "my.ini:3"
expect 2 "$SCONCE" config --isolation=none && err_has "--isolation"
expect 2 "$SCONCE" config --set=limits.deadline=3 && err_has "--set"
expect 2 "$SCONCE" config --check=my.ini --isolation=any && err_has "--check"

finish
