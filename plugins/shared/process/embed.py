#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The zygote as assembly, one .byte line for each 16 bytes: embed.py IN OUT."""

import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
if not data or len(data) % 4096:
    sys.exit("%s: %d bytes are no whole pages" % (sys.argv[1], len(data)))
with open(sys.argv[2], "w", encoding="ascii") as file:
    for at in range(0, len(data), 16):
        file.write(".byte " + ",".join(map(str, data[at : at + 16])) + "\n")
