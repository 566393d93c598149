"""What has to hold before anything else starts: `python -m services.first_start FILE…`.

The settings are ones that the lab can use, and each password file is there. A random password is
made where none is; one that is there stays, since the server behind it knows no other. A key that
a service signs with is a password, too.
"""

import argparse
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from services.chassis.serve import CannotStart, stop_with
from services.settings import InvalidSettings, load_settings

_PASSWORD_BYTES = 24
#: Its readers are different users; who reads it at all is decided by who mounts its volume.
_READ_BY_ALL = 0o444


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m services.first_start",
        description="Check the settings, and write a random password to each missing FILE.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    prepare(parser.parse_args().files)


def prepare(files: Sequence[Path]) -> None:
    """Exits with 2 and one line when the settings are wrong or a file cannot be written."""
    try:
        load_settings()
        for file in files:
            keep_or_make(file)
    except InvalidSettings as error:
        stop_with(error)
    except OSError as error:
        stop_with(CannotStart(f"cannot write a password: {error}"))


def keep_or_make(file: Path) -> None:
    """Whole or not at all: a reader never finds half a password. Raises OSError."""
    if file.exists():
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=file.parent) as draft:
        draft.write(secrets.token_urlsafe(_PASSWORD_BYTES))
        draft.flush()
        Path(draft.name).chmod(_READ_BY_ALL)
        # A link, not a rename: of two that start at once, the second must not replace the first's.
        with suppress(FileExistsError):
            file.hardlink_to(draft.name)


if __name__ == "__main__":
    main()
