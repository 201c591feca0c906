#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies of the plugin API's headers as a later minor would have them: one operation more, and one
member more at the end of each struct that the core hands to a plugin.

append.py OUTPUT-DIRECTORY HEADER...
"""
import pathlib
import re
import sys

LATER_OP = '    int32_t (*later_op)(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err);'
LATER_MEMBER = '    uint64_t later_member;'
APPENDED = {
    'sconce_plugin_ops': LATER_OP,
    'sconce_plugin_error': LATER_MEMBER,
    'sconce_plugin_host': LATER_MEMBER,
    'sconce_memory': LATER_MEMBER,
    'sconce_mapping': LATER_MEMBER,
    'sconce_vm_config': LATER_MEMBER,
    'sconce_exit': LATER_MEMBER,
    'sconce_entry': LATER_MEMBER,
    'sconce_probe': LATER_MEMBER,
}
MINOR = '#define SCONCE_PLUGIN_ABI_MINOR '


def next_minor(text):
    """The header with all that, and the minor that tells of it."""
    for name, member in APPENDED.items():
        text, count = re.subn(r'(\nstruct %s \{\n.*?)(?=\n\};\n)' % name,
                              lambda found, line=member: found[0] + '\n' + line,
                              text, count=1, flags=re.DOTALL)  # fmt: skip
        if count != 1:
            sys.exit(f'append.py: sconce-plugin.h does not define {name}')
    if text.count(MINOR) != 1:
        sys.exit('append.py: sconce-plugin.h has no minor')
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
