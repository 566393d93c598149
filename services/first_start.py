"""Runs before the lab's first start: checks the settings and creates missing password files.

`python -m services.first_start FILE…` writes a random password to each missing file. An existing
file stays as it is, because a server has been set up with its password. The key
with which a service signs its links is created in the same way.
"""

import argparse
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from services.chassis.serve import CannotStart, exit_with_error
from services.settings import InvalidSettings, load_settings

_PASSWORD_BYTES = 24
#: Containers read the file as different users. Access is limited by the mounts of its volume.
_READ_BY_ALL = 0o444


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m services.first_start",
        description="Check the settings, and write a random password to each missing FILE.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    prepare(parser.parse_args().files)


def prepare(files: Sequence[Path]) -> None:
    """Check the settings and create missing files; exit with 2 and one line if that fails."""
    try:
        load_settings()
        for file in files:
            ensure_password(file)
    except InvalidSettings as error:
        exit_with_error(error)
    except OSError as error:
        exit_with_error(CannotStart(f"cannot write a password file: {error}"))


def ensure_password(file: Path) -> None:
    """Create the file with a random password unless it exists. Raises OSError.

    The file appears with its whole content: a reader never sees a part of a password.
    """
    if file.exists():
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=file.parent) as draft:
        draft.write(secrets.token_urlsafe(_PASSWORD_BYTES))
        draft.flush()
        Path(draft.name).chmod(_READ_BY_ALL)
        # A hard link fails if the file exists; a rename would replace it. When two processes start
        # at the same time, the second one must keep the password of the first.
        with suppress(FileExistsError):
            file.hardlink_to(draft.name)


if __name__ == "__main__":
    main()
