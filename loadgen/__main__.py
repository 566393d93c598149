"""The command line: `loadgen` or `python -m loadgen`. See `arguments` and `commands`."""

import sys
from typing import NoReturn

from loadgen.arguments import parser
from loadgen.commands import COMMANDS, EXIT_UNUSABLE
from loadgen.sending.connection import RequestFailed
from services.settings import InvalidSettings

_INTERRUPTED = 130


def main() -> None:
    arguments = parser().parse_args()
    try:
        sys.exit(COMMANDS[arguments.action](arguments))
    except (InvalidSettings, RequestFailed, ValueError, OSError) as error:
        _stop_with(error)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _stop_with(error: Exception) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the message for the user
    sys.exit(EXIT_UNUSABLE)


if __name__ == "__main__":
    main()
