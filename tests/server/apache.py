#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apache -- the same behaviours through apache"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import behaviours, tap, webserver  # noqa: E402

KINDS = (webserver.Apache, webserver.ApacheFcgid, webserver.ApacheCgi,)

for kind in KINDS:
    if kind.missing():
        tap.skip_all(kind.missing())
    behaviours.register(kind)
tap.main()
