#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
#
# The first process of a lab's virtual machine: loads what /lab/modules lists, runs /lab/job, and
# carries out what that left in /lab/out. The console is for people: what is believed is what stands
# on the disk, behind a header that is written last. Without the header the run has failed.
#
# /lab/job is a shell script; its exit status and what it says become status and log in /lab/out.
# Without one there is a person at the console.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-linux}"
readonly disk=/dev/vda header_bytes=512

# Sconce takes no plugins from below a folder that everybody may write. Nothing is mounted on /tmp: a
# build folder may be there (tools/lab --tests).
/bin/busybox chmod 755 /
/bin/busybox mkdir -p /proc /sys /dev /tmp /root /run /lab/out
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox chmod 1777 /tmp
/bin/busybox --install -s /bin
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd

while read -r module; do
    insmod "$module" || echo "lab: $module is not to be loaded"
done </lab/modules

cd /root || exit
# Off goes the machine only when the last word is on the disk.
off() {
    sync
    poweroff -f
}

if [ ! -f /lab/job ]; then
    cat /lab/welcome
    setsid cttyhack sh -l
    off
fi

{
    sh /lab/job </dev/null 2>&1
    echo $? >/lab/out/status
} | tee /lab/out/log
dmesg >/lab/out/dmesg
cat /proc/cpuinfo >/lab/out/cpuinfo
uname -a >/lab/out/uname

# /lab/out is in memory, as all else.
tar -c -f /tmp/result -C /lab/out .
bytes=$(stat -c %s /tmp/result)
sum=$(sha256sum </tmp/result)
dd if=/tmp/result of=$disk bs=$header_bytes seek=1 conv=fsync 2>/tmp/said || cat /tmp/said
printf 'SCONCE-LAB-RESULT 1 %d %s\n' "$bytes" "${sum%% *}" >/tmp/header
dd if=/tmp/header of=$disk bs=$header_bytes conv=sync,fsync 2>/tmp/said || cat /tmp/said
off
