"""A process that keeps one throw-away PostgreSQL cluster for a test run and then removes it.

It outlives no run: when the run's process is gone, however it went, the cluster goes too. As root
it runs the server as another user, because PostgreSQL refuses root.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER = "boxoffice"
START_DEADLINE_S = 30.0
START_ATTEMPTS_MAX = 3
POLL_S = 0.05
# A cluster that is thrown away needs no durability, and tests need no background work.
SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "wal_level": "minimal",
}
# What is measured lasts, as it has to where money is kept; pages and log as in docker-compose.yml.
LASTING = SETTINGS | {
    "fsync": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
}


class ClusterError(RuntimeError):
    """The cluster did not come up; the message holds what the server said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system's user that runs the server."""

    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Return what subprocess needs to run a program as this user."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the user reaches the folder from the root of the file system."""
        if os.geteuid() != 0:
            return os.access(folder, os.X_OK)
        return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def server_account() -> Account:
    """Choose the user: oneself, or as root `postgres` and else `nobody`."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    message = "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`"
    raise ClusterError(message)


def make_folder(account: Account) -> Path:
    """Make the cluster's folder where its user can reach it; pytest's own is closed to others."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes it safe
        if account.can_enter(Path(parent).resolve()):
            folder = Path(tempfile.mkdtemp(prefix="boxoffice-postgres-", dir=parent)).resolve()
            os.chown(folder, account.uid, account.gid)
            return folder
    message = "no temporary folder can be reached by the user of PostgreSQL"
    raise ClusterError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster in a folder of its own."""

    folder: Path
    programs: Path
    account: Account
    password: str
    settings: Mapping[str, str] = field(default_factory=lambda: SETTINGS)

    @property
    def log(self) -> Path:
        """Return the file that holds all the programs say."""
        return self.folder / "log"

    def run(self, *command: object) -> subprocess.Popen[bytes]:
        """Start a program as the cluster's user, its output going to the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(word) for word in command],
                cwd=self.folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.account.options(),
            )

    def complaint(self, what: str) -> ClusterError:
        """Make the error that quotes the end of the log."""
        return ClusterError(f"{what}: {self.log.read_text('utf-8', 'replace')[-2000:]}")

    def initialise(self) -> None:
        """Make the data folder."""
        password = self.folder / "password"
        password.write_text(self.password, "utf-8")
        os.chown(password, self.account.uid, self.account.gid)
        choices = ["--username", USER, "--encoding", "UTF8", "--locale", "C", "--no-sync"]
        choices += ["--auth", "password", "--pwfile", str(password)]
        if self.run(self.programs / "initdb", "-D", self.folder / "data", *choices).wait():
            raise self.complaint("initdb failed")

    def start(self, port: int) -> subprocess.Popen[bytes]:
        """Start the server and wait until it takes connections."""
        said = {**self.settings, "port": port}
        options = [f"--{name}={value}" for name, value in said.items()]
        # What is left of one that was killed says that it is ready.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        server = self.run(self.programs / "postgres", "-D", self.folder / "data", *options)
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline and server.poll() is None:
            if self.is_ready():
                return server
            time.sleep(POLL_S)
        server.kill()
        server.wait()
        raise self.complaint("PostgreSQL did not start")

    def is_ready(self) -> bool:
        """Read the state that the server writes into the last line of its pid file."""
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return False
        return bool(lines) and lines[-1].strip() == "ready"


def free_port() -> int:
    """Return a port on loopback that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_somewhere(cluster: Cluster) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server on a free port, on another one if somebody was quicker."""
    for attempt in range(1, START_ATTEMPTS_MAX + 1):
        port = free_port()
        try:
            return cluster.start(port), port
        except ClusterError:
            if attempt == START_ATTEMPTS_MAX:
                raise
    raise AssertionError


def copy_installation(installation: Path, target: Path) -> Path:
    """Copy the programs out of a closed folder, such as an environment below a 0700 home.

    A wheel keeps its libraries beside its package and finds them by their relative place.
    """
    package = installation.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    copy = target / package.name / installation.name
    return shutil.copytree(installation, copy, symlinks=True)


def prepare(installation: Path, settings: Mapping[str, str] = SETTINGS) -> Cluster:
    """Make a cluster that is ready to start."""
    account = server_account()
    folder = make_folder(account)
    if not account.can_enter((installation / "bin").resolve()):
        installation = copy_installation(installation, folder / "copy")
    programs = installation / "bin"
    password = secrets.token_hex(12)
    cluster = Cluster(
        folder=folder, programs=programs, account=account, password=password, settings=settings
    )
    try:
        cluster.initialise()
    except ClusterError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return cluster


def is_alive(pid: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def keep(
    installation: Path,
    run_folder: Path,
    owner_pid: int,
    settings: Mapping[str, str] = SETTINGS,
) -> None:
    """Run a cluster until the owner is gone or asks this process to end."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: asked.append(received))
    cluster = prepare(installation, settings)
    try:
        server, port = start_somewhere(cluster)
        address = f"postgresql://{USER}:{cluster.password}@127.0.0.1:{port}/postgres"
        announcement = run_folder / "postgres.url.new"
        announcement.write_text(address, "utf-8")
        announcement.replace(run_folder / "postgres.url")
        while not asked and is_alive(owner_pid) and server.poll() is None:
            time.sleep(POLL_S)
        server.send_signal(signal.SIGQUIT)  # nothing in it is worth a clean end
        server.wait()
    finally:
        shutil.rmtree(cluster.folder, ignore_errors=True)
        (run_folder / "postgres.url").unlink(missing_ok=True)  # so that who waits knows
        if not is_alive(owner_pid):
            shutil.rmtree(run_folder, ignore_errors=True)  # nobody else is left to do it


if __name__ == "__main__":
    try:
        keep(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    except ClusterError as error:
        sys.exit(str(error))
