# SPDX-License-Identifier: GPL-2.0
"""How cargo is run in the build root, for the host tests and the scale model."""

import os
from pathlib import Path

from lib import build_root, cache
from lib.repo import REPO

HOST_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def host_tests(target, *argv):
    """The command line of host/run; target is the folder for products."""
    return with_cargo(REPO / "host/run", target, *argv)


def model(target, *argv):
    """The same of host/simulation/run."""
    return with_cargo(REPO / "host/simulation/run", target, *argv)


def with_cargo(script, target, *argv):
    kept = cache.folder() / "host-tests"
    kept.mkdir(parents=True, exist_ok=True)
    command = ["env", f"CARGO_HOME={kept}/cargo", f"CARGO_TARGET_DIR={kept}/{target}"]
    binds = [REPO, kept]
    # The host may have to trust more than the build root knows of.
    authorities = Path(os.environ.get("SSL_CERT_FILE") or HOST_AUTHORITIES)
    if authorities.is_file():
        command.append(f"CARGO_HTTP_CAINFO={authorities}")
        binds.append(authorities)
    return build_root.enter([*command, script, *argv], binds=build_root.outermost(binds), cwd=REPO)
