#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies of the plugin API's headers as a later minor would have them: one operation more.

append-op.py OUTPUT-DIRECTORY HEADER...
"""
import pathlib
import sys

LAST_OP = '    void (*vcpu_kick_local)(struct sconce_plugin_vm *vm);\n'
LATER_OP = '    int32_t (*later_op)(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);\n'
MINOR = '#define SCONCE_PLUGIN_ABI_MINOR '


def next_minor(text):
    """The header with the operation behind the last one, and the minor that tells of it."""
    if text.count(LAST_OP) != 1 or text.count(MINOR) != 1:
        sys.exit('append-op.py: sconce-plugin.h has another last operation or minor than it had')
    text = text.replace(LAST_OP, LAST_OP + LATER_OP)
    before, after = text.split(MINOR)
    minor, rest = after.split('\n', 1)
    return f'{before}{MINOR}{int(minor) + 1}\n{rest}'


def main():
    outdir = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:]:
        header = pathlib.Path(name)
        text = header.read_text(encoding='utf-8')
        if header.name == 'sconce-plugin.h':
            text = next_minor(text)
        (outdir / header.name).write_text(text, encoding='utf-8')


main()
