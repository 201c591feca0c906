# SPDX-License-Identifier: Apache-2.0
"""make-database.py FILE: a database as a program leaves it, with an index and every kind of value."""

import os
import sqlite3
import sys

FIRST = ["Ada", "Grace", "Edsger", "Barbara", "Ken", "Dennis", "Margaret", "Zoë"]

path = sys.argv[1]
if os.path.exists(path):
    os.remove(path)
with sqlite3.connect(path) as database:
    database.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, height REAL, key BLOB)")
    database.execute("CREATE TABLE visit (person INTEGER, day INTEGER)")
    database.execute("CREATE INDEX visit_by_person ON visit (person)")
    for i, name in enumerate(FIRST):
        key = None if i % 3 == 0 else bytes([i, 0, 255 - i])
        database.execute("INSERT INTO person VALUES (?, ?, ?, ?)", (i, name, 1.5 + i / 16, key))
    for i in range(2000):
        database.execute("INSERT INTO visit VALUES (?, ?)", (i * i % 7, i))
database.close()
