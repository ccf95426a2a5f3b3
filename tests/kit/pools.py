# SPDX-License-Identifier: MIT
"""pools -- three tokens that flows rotate, and a short word for who went

    conf = config({"s": server(up, pool(A, B, **ROUND))})
    equal(word(up.tokens()), "abab")
"""
from kit.gate import secret

A, B, C = secret("a"), secret("b"), secret("c")
NAMES = {A: "a", B: "b", C: "c", "": "-"}
FIRST = {"rotationMode": "on-first-failed"}
ROUND = {"rotationMode": "round-robin"}


def word(tokens):
    """A letter for each token; "-": none went along."""
    return "".join(NAMES[t] for t in tokens)
