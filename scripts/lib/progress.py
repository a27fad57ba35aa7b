# SPDX-License-Identifier: GPL-2.0
"""What scripts/setup says of its steps, which can take minutes."""

import contextlib
import time


def say(text):
    print(f"setup: {text}", flush=True)


@contextlib.contextmanager
def step(what):
    say(what)
    begun = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - begun:.0f} s", flush=True)
