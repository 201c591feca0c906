#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sconce backends and doctor: what is installed, tried, refused, and what to do.
. "$(dirname "$0")/lib.sh"
need_backend stub
cd "$tmp" || exit 99

check "the table has every backend with its isolation"
expect 0 "$SCONCE" backends && out_has "ISOLATION" && out_has "stub" && out_has "none" &&
    out_has "not tried" && out_has "(only with --isolation=any)"

check "--quiet lists names alone"
mkdir one
cp "$PLUGIN_DIR/sconce-backend-stub.so" one
expect 0 "$SCONCE" backends --plugin-dir=one --quiet && out_is "stub
" && err_is ""

check "--probe tries them"
expect 0 "$SCONCE" backends --plugin-dir=one --probe && out_has "works" && out_has "replays"
expect 0 "$SCONCE" backends --plugin-dir=one --probe --format=json &&
    json '[(b["name"], b["usable"], b["isolation"], b["allowed"]) for b in d] == [("stub", True, "none", False)]'

check "without a trial nothing is said about its usability"
expect 0 "$SCONCE" backends --plugin-dir=one --format=json && json 'd[0]["usable"] is None'

check "a setting that a backend refuses is its problem"
expect 0 "$SCONCE" backends --plugin-dir=one --probe --set="backend.stub.script=$SCRIPTS/wrong.stub" &&
    out_has "refused" && err_has "stub cannot be used: " && err_has "wrong.stub:4"

check "a file that is no backend is told, and the others still work"
cp -r one two
echo text >two/sconce-backend-text.so
expect 0 "$SCONCE" backends --plugin-dir=two --probe && out_has "works" &&
    err_has "text cannot be used: "

check "a backend that crashes or quits is a line of the table, and its noise is no result"
cp -r one three
cp "$BAD_BACKENDS/sconce-backend-crashes.so" "$BAD_BACKENDS/sconce-backend-quits.so" three
expect 0 "$SCONCE" backends --plugin-dir=three --probe --format=json &&
    json '{b["name"]: b["usable"] for b in d} == {"stub": True, "crashes": False, "quits": False}'
expect 0 "$SCONCE" backends --plugin-dir=three --probe && out_has "works" &&
    err_has "crashes cannot be used: it crashed while it was tried" &&
    err_has "quits cannot be used: it ended the process while it was tried (exit status 0)"
expect 4 "$SCONCE" doctor --plugin-dir=three && out_has "fail  conclusion"

check "a folder that others can write is not trusted"
mkdir open
chmod 777 open
cp "$PLUGIN_DIR/sconce-backend-stub.so" open
expect 0 "$SCONCE" backends --plugin-dir=open --set=runtime.allow_untrusted_plugins=no &&
    out_has "refused" && err_has "cannot trust"

check "doctor without a virtual machine is status 4, and says what to do"
expect 4 "$SCONCE" doctor --plugin-dir=one && out_has "fail  conclusion" && out_has "hint: " &&
    out_has "isolation: none"
expect 4 "$SCONCE" doctor --plugin-dir=one --format=json &&
    json 'd["usable"] is False and d["checks"][0]["check"] == "version"'

check "doctor warns of untrusted backends being taken"
expect 4 "$SCONCE" doctor --plugin-dir=one && out_has "warn  trust"

check "doctor with a broken configuration is status 3"
echo "[runtme]" >broken.ini
expect 3 "$SCONCE" doctor --config=broken.ini && out_has "fail  configuration" && err_has "broken.ini:1"
expect 3 "$SCONCE" doctor --config=broken.ini --format=json && json 'd["usable"] is False'

check "doctor tells a name that the configuration chooses and nobody installed"
cat >nothere.ini <<END
[runtime]
plugin_dir = $tmp/one
allow_untrusted_plugins = yes
backend = nothere
END
expect 4 "$SCONCE" doctor --config=nothere.ini && out_has "fail  nothere" &&
    out_has 'backend "nothere" is chosen by nothere.ini:4 but not installed' &&
    out_has "no backend that nothere.ini:4 chooses (nothere) can be used under isolation=vm" &&
    out_has "not chosen by the configuration"
expect 4 "$SCONCE" doctor --config=nothere.ini --format=json &&
    json 'd["usable"] is False and [c["result"] for c in d["checks"] if c["check"] == "nothere"] == ["fail"]'

check "doctor counts a backend that is named only under an isolation that allows it"
expect 4 "$SCONCE" doctor --plugin-dir=one --set=runtime.backend=stub &&
    out_has "no backend that --set chooses (stub) can be used under isolation=vm" &&
    out_has "hint: stub, which runs no guest code, is taken only with --isolation=any"
expect 0 "$SCONCE" doctor --plugin-dir=one --set=runtime.backend=stub --set=runtime.isolation=any &&
    out_has "calls are answered by stub, which runs no guest code (isolation: none)"

check "doctor takes --backend and --isolation as a call does"
expect 4 "$SCONCE" doctor --plugin-dir=one --backend=nothere &&
    out_has 'backend "nothere" is chosen by --backend but not installed'
expect 0 "$SCONCE" doctor --plugin-dir=one -b stub --isolation=any && out_has "answered by stub"

check "doctor takes the first of several names that can be used, and still tells one not installed"
expect 0 "$SCONCE" doctor --plugin-dir=one --set="runtime.backend=nothere, stub" \
    --set=runtime.isolation=any && out_has "fail  nothere" && out_has "answered by stub"

check "doctor does not take a name for the beginning of another"
expect 4 "$SCONCE" doctor --plugin-dir=one --set=runtime.backend=stu,stubs \
    --set=runtime.isolation=any && out_has "fail  stu " && out_has "fail  stubs "

check "doctor does not count what runs no guest code for auto"
expect 4 "$SCONCE" doctor --plugin-dir=one --set=runtime.isolation=any &&
    out_has "no backend can run guests here"

check "a backend that the configuration chooses and that refuses its settings is status 4"
expect 4 "$SCONCE" doctor --plugin-dir=one --set=runtime.backend=stub --set=runtime.isolation=any \
    --set="backend.stub.script=$SCRIPTS/wrong.stub" && out_has "warn  stub" &&
    out_has "fail  conclusion"

if [ -n "$GUESTS" ]; then
    cp "$GUESTS/guest.elf" .

    check "a named backend that cannot be used is status 4, with every refusal"
    expect 4 "$SCONCE" call --plugin-dir=one --backend=nowhere,stub guest.elf add 1 2 &&
        err_has "nowhere" && err_has "stub"

    check "a better backend that was passed over is told"
    expect 0 "$SCONCE" call --plugin-dir=one --backend=nowhere,stub --isolation=any \
        --set="backend.stub.script=$SCRIPTS/echo.stub" guest.elf echo_i32 5 && out_is "5
" && err_has "passed over: " && err_has "nowhere"

    check "it is told in lines of 100 columns with the remedy, and in full when that is asked for"
    grep -vF "sconce: backend " "$tmp/err" | grep -E '^.{101,}$' && fail "a line is too long"
    err_has "hint: install the package of nowhere, or use one that is installed"
    expect 0 "$SCONCE" call -v --plugin-dir=one --backend=nowhere,stub --isolation=any \
        --set="backend.stub.script=$SCRIPTS/echo.stub" guest.elf echo_i32 5 &&
        err_has "install the package of nowhere" && err_lacks "more: -v"
fi

finish
