# SPDX-License-Identifier: GPL-2.0
"""What the commands do alike: take their arguments, and tell what is wrong."""

import argparse
import sys
from pathlib import Path

from lib.failure import Failure


class Parser(argparse.ArgumentParser):
    """Has the command's docstring for its help, and one line for a mistake."""

    def __init__(self, description, **more):
        super().__init__(description=description,
                         formatter_class=argparse.RawDescriptionHelpFormatter, **more)

    def error(self, message):
        raise Failure(f"{message}; see scripts/{self.prog} --help")


def whole_number(most):
    """The type of an option that takes a number from 1 to most."""
    def parse(text):
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to {most}")
        return int(text)
    return parse


def chosen(args, what, known, doc):
    """The names in args, or all of known, a {name: description}; --help and --list end here."""
    if {"-h", "--help"} & set(args):
        width = max(map(len, known))
        print(doc.strip())
        print(f"\n{what}s:")
        for name, description in known.items():
            print(f"  {name:{width}}  {description}".rstrip())
        sys.exit(0)
    if args == ["--list"]:
        print("\n".join(known))
        sys.exit(0)
    for name in args:
        if name not in known:
            raise Failure(f"no {what} '{name}'; scripts/{Path(sys.argv[0]).name} --list shows them")
    return args or list(known)


def main_guard(main, failure_status=1):
    """Runs main(), turning what users can cause into one clear message."""
    name = Path(sys.argv[0]).name
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(failure_status)
