# SPDX-License-Identifier: GPL-2.0
"""The one exception that is for users to read."""


class Failure(Exception):
    """An error whose text tells the user what to do; shown without a traceback."""
