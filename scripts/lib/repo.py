# SPDX-License-Identifier: GPL-2.0
"""Where the project is, and the one place that lets Python import from its other folders."""

import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

# "from bench import parts", "from tests import guests". At the end: nothing there hides a module.
sys.path.append(str(REPO))
