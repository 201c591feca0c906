#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file as assembly, one .byte line for each 16 bytes: embed.py IN OUT."""

import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
with open(sys.argv[2], "w", encoding="ascii") as file:
    for at in range(0, len(data), 16):
        file.write(".byte " + ",".join(map(str, data[at : at + 16])) + "\n")
