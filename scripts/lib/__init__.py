# SPDX-License-Identifier: GPL-2.0
"""What the commands in scripts/ share; each file is about one thing."""
