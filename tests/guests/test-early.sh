#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What of the SDK runs before a guest has relocated itself calls nothing but itself, and reads no
# address that would have to be relocated: whatever compiler made it.
#   test-early.sh OBJECT...
set -u
status=0
for object; do
    calls=$(readelf -sW "$object" | awk '$7 == "UND" && $8 != "" { print $8 }' |
        grep -vx -e __ehdr_start -e sconce_boot_page -e sconce_doorbell)
    [ -z "$calls" ] || {
        echo "FAILED: $object needs $calls"
        status=1
    }
    # In sections that are loaded; those of debugging are full of addresses.
    addresses=$(readelf -rW "$object" |
        awk '/^Relocation section/ { loaded = $3 !~ /\.debug|\.eh_frame/ }
            loaded && $3 ~ /R_X86_64_64|R_X86_64_32|GOT|R_AARCH64_ABS64|GOT/ { print $3, $5 }')
    [ -z "$addresses" ] || {
        echo "FAILED: $object reads addresses from data: $addresses"
        status=1
    }
done
[ $# -gt 0 ] || exit 99
exit $status
