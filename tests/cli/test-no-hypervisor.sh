#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where no hypervisor can be used: nothing runs behind a weaker wall unless that is asked for, and
# every command says which wall there is and how to get a better one.
. "$(dirname "$0")/lib.sh"
need_backend kvm-x86_64
need_backend process-x86_64
need_guests
cd "$tmp" || exit 99

# As if there was no hypervisor, on every machine.
echo "[backend.kvm-x86_64]
device = $tmp/no-kvm
[backend.mshv-x86_64]
device = $tmp/no-mshv" >>"$SCONCE_CONFIG"

check "auto tries KVM first, then the Microsoft Hypervisor, then processes"
expect 0 "$SCONCE" backends --probe --format=json &&
    json '[b["name"] for b in d if not b["name"].startswith(("stub", "mshv"))] == ["kvm-x86_64", "process-x86_64"]' &&
    json 'all(b["usable"] is False for b in d if b["mechanism"] in ("kvm", "mshv"))'
if [ -f "$PLUGIN_DIR/sconce-backend-mshv-x86_64.so" ]; then
    json '[b["name"] for b in d][:3] == ["kvm-x86_64", "mshv-x86_64", "process-x86_64"]'
    check "backends --probe says what the Microsoft Hypervisor would need"
    expect 0 "$SCONCE" backends --probe &&
        err_has "sconce: mshv-x86_64 cannot be used: cannot open $tmp/no-mshv: No such file or directory" &&
        err_has "hint: run Linux 6.15 or later as the root partition of Hyper-V"
    check "auto goes on behind it, and tells"
    expect 4 "$SCONCE" call guest.elf add 1 2 &&
        err_has "  mshv-x86_64: cannot open $tmp/no-mshv: No such file or directory (run Linux 6.15 or later"
fi
expect 0 "$SCONCE" backends --probe --format=json
python3 -c 'import json; raise SystemExit(not any(
    b["usable"] for b in json.load(open("out")) if b["name"] == "process-x86_64"))' ||
    skip "process-x86_64 cannot be used here"

check "a call is status 4: why not for each backend, and what opting in means"
for command in "call guest.elf add 1 2" "run guest-run.elf"; do
    # shellcheck disable=SC2086 # words
    expect 4 "$SCONCE" $command && out_is "" &&
        err_has "  kvm-x86_64: cannot open $tmp/no-kvm: No such file or directory" &&
        err_has '  backend "process-x86_64" has isolation "process", and isolation = vm asks for a virtual machine' &&
        err_has "hint: load the module" &&
        err_has "; or isolation = any allows process-x86_64 (sconce: --isolation=any), whose wall is the host's kernel, and no hypervisor" &&
        err_has "hint: sconce doctor "
    [ "$(grep -c "load the module" err)" = 1 ] || fail "a remedy is told twice"
done
expect 4 "$SCONCE" call --format=json guest.elf add 1 2 &&
    json 'd["error"]["code"] == "no-backend" and "isolation = any allows process-x86_64" in d["error"]["hint"]'

check "the stub is offered to nobody who did not name it"
expect 4 "$SCONCE" call guest.elf add 1 2 && err_lacks "stub"

check "with --isolation=any it runs, and says behind which wall, even when told to be quiet"
for option in --isolation=any "--isolation=any -q"; do
    # shellcheck disable=SC2086 # words
    expect 0 "$SCONCE" call $option guest.elf add 1 2 && out_is "3
" && err_has "sconce: backend process-x86_64 (isolation: process; seccomp"
done
expect 0 "$SCONCE" call --isolation=any guest.elf add 1 2 && err_has "passed over: kvm-x86_64: "
[ ! -f "$PLUGIN_DIR/sconce-backend-mshv-x86_64.so" ] || {
    err_has "(and 1 more: -v)"
    expect 0 "$SCONCE" call -v --isolation=any guest.elf add 1 2 &&
        err_has "  mshv-x86_64: cannot open $tmp/no-mshv: No such file or directory (run Linux 6.15 or later"
}

check "backends shows each one's isolation, and a problem has its backend's name once"
expect 0 "$SCONCE" backends && out_has "kvm        vm " && out_has "process    process "
expect 0 "$SCONCE" backends --probe && out_has "(only with --isolation=any)" &&
    err_has "sconce: kvm-x86_64 cannot be used: cannot open $tmp/no-kvm"

check "doctor is status 4, and tells both ways on"
expect 4 "$SCONCE" doctor &&
    out_has "warn  kvm-x86_64       (isolation: vm) cannot open $tmp/no-kvm" &&
    out_has "used only with --isolation=any" &&
    out_has "fail  conclusion       no backend can run guests in virtual machines here" &&
    out_has "hint: mend what is marked above for virtual machines; or use --isolation=any: process-x86_64 works here, and the wall is then this machine's kernel, not a hypervisor"

check "doctor offers the weaker wall by name when the configuration chooses something else"
expect 4 "$SCONCE" doctor --backend=kvm-x86_64 &&
    out_has "or use --isolation=any --backend=process-x86_64: "

check "doctor with --isolation=any is content, and tells how to get more"
expect 0 "$SCONCE" doctor --isolation=any &&
    out_has "guests for x86_64 can run, on process-x86_64, in no virtual machine (isolation: process)" &&
    out_has "hint: for virtual machines, a stronger wall, mend what is marked above"
expect 0 "$SCONCE" doctor --isolation=any --backend=process-x86_64 &&
    out_lacks "stronger wall"

check "doctor tells what to do about a device once, in the device's row"
if [ -r /dev/kvm ]; then
    expect 4 "$SCONCE" doctor && out_has "hint: load the module"
else
    expect 4 "$SCONCE" doctor && out_has "warn  /dev/kvm" &&
        out_lacks "hint: load the module"
fi

finish
