# SPDX-License-Identifier: GPL-2.0
"""The code that the documentation shows, so that it can be built as it is shown."""

import re

from lib.failure import Failure
from lib.repo import REPO

# What Documentation/clients.rst shows of the interface in Rust.
RST_EXAMPLES = REPO / "tests/compile/rust_interface/rust_interface.rs"


def readme_files():
    """{path: text} of the files in README.md: code blocks after a comment that names the file."""
    text = (REPO / "README.md").read_text()
    blocks = re.findall(r"<!-- file: (\S+) -->\n+```\w*\n(.*?)```", text, re.DOTALL)
    if not blocks:
        raise Failure("README.md shows no files")
    return dict(blocks)


def check_rust_examples(results):
    """The Rust that Documentation/clients.rst shows is that of a consumer that was built."""
    source = unindented(RST_EXAMPLES.read_text())
    for block in rust_examples():
        example = unindented(block).strip()
        results.add(f"shown as it was built: {example.splitlines()[0]}",
                    example in source, example)


def rust_examples():
    text = (REPO / "Documentation/clients.rst").read_text()
    section = re.search(r"^The interface in Rust\n=+\n(.*?)^=+$", text, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"::\n\n(( +).*\n(?:\2.*\n|\n)*)", section[1] if section else "")
    if not blocks:
        raise Failure("Documentation/clients.rst shows no Rust")
    return [block for block, _ in blocks]


def unindented(text):
    return "\n".join(line.strip() for line in text.splitlines())
