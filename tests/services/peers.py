"""Starts programs that others wrote for what a box speaks: OpenSSH, Dropbear, net-snmp's agent;
and finds those that read a journal.

Throw-away processes on free loopback ports, started by the tests themselves, as root or not. The
user `oper` exists for them alone (nss_wrapper): nothing of the machine's accounts is touched.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])
PACKAGES = {
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "dropbear": "dropbear-bin",
    "dropbearkey": "dropbear-bin",
    "snmpd": "snmpd",
    "snmpget": "snmp",
    "snmpset": "snmp",
    "snmpwalk": "snmp",
    "libnss_wrapper.so": "libnss-wrapper",
    "hledger": "hledger",
    "ledger": "ledger",
}
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib")
SEPARATION = Path("/run/sshd")  # where OpenSSH locks itself up when root starts it
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 10.0
BOX = Path(__file__).with_name("peer_box.py")


def find(name: str) -> Path | None:
    """Return a program or a library; None where there is none."""
    if name.startswith("lib"):
        places = [Path(root) for root in LIBRARIES]
        found = [one for place in places for one in (*place.glob(name), *place.glob(f"*/{name}"))]
        return found[0] if found else None
    path = shutil.which(name, path=SEARCHED)
    return Path(path) if path else None


def missing(names: Sequence[str]) -> str:
    """Say which packages have to be installed for these programs; nothing where all are there."""
    absent = [name for name in names if find(name) is None]
    packages = " ".join(sorted({PACKAGES[name] for name in absent}))
    return f"no {', '.join(absent)} (Debian: `apt-get install {packages}`)" if absent else ""


def describe() -> str:
    """Say which programs the tests will use, for the head of the test report."""
    return ", ".join(name for name in PACKAGES if find(name) is not None) or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A running program: where it listens and what a caller must know."""

    port: int
    host_key: str = ""
    state: Path


@contextmanager
def openssh(folder: Path, authorized: str) -> Iterator[Peer]:
    """Run OpenSSH with a forced command for every way in."""
    state = _box_state(folder)
    host_key = _generated(folder, "openssh")
    keys = folder / "authorized_keys"
    keys.write_text(f"{authorized}\n", "utf-8")
    port = _free_port(socket.SOCK_STREAM)
    settings = folder / "sshd_config"
    settings.write_text(
        "\n".join(
            [
                f"Port {port}",
                "ListenAddress 127.0.0.1",
                f"HostKey {folder / 'host_key'}",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "AllowUsers oper",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                f"AuthorizedKeysFile {keys}",
                f"ForceCommand {_forced(state)}",
                "DisableForwarding yes",
                "PermitTTY no",
                "",
            ]
        ),
        "utf-8",
    )
    if os.geteuid() == 0:
        SEPARATION.mkdir(mode=0o755, exist_ok=True)
    command = [find("sshd"), "-D", "-e", "-f", settings]
    with _running(command, folder, _as_oper(folder), port):
        yield Peer(port=port, host_key=host_key, state=state)


@contextmanager
def dropbear(folder: Path, authorized: str) -> Iterator[Peer]:
    """Run Dropbear with a forced command beside the key."""
    state = _box_state(folder)
    host_key = _generated(folder, "dropbear")
    environment = _as_oper(folder)
    keys = folder / "home" / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o700)
    keys.write_text(f'command="{_forced(state)}",no-pty {authorized}\n', "utf-8")
    keys.chmod(0o600)
    port = _free_port(socket.SOCK_STREAM)
    command = [find("dropbear"), "-F", "-E", "-s", "-j", "-k", "-r", folder / "host_key"]
    command += ["-P", folder / "dropbear.pid", "-p", f"127.0.0.1:{port}"]
    with _running(command, folder, environment, port):
        yield Peer(port=port, host_key=host_key, state=state)


@contextmanager
def snmpd(
    folder: Path, *, user: str, auth_key: bytes, priv_key: bytes, engine_id: bytes
) -> Iterator[Peer]:
    """Run net-snmp's agent; the keys are the user's localised ones for this engine id."""
    state = _box_state(folder)
    port = _free_port(socket.SOCK_DGRAM)
    box = f"{sys.executable} -I -S {BOX} mib {state}"
    settings = folder / "snmpd.conf"
    settings.write_text(
        "\n".join(
            [
                f"agentAddress udp:127.0.0.1:{port}",
                f"exactEngineID 0x{engine_id.hex()}",
                f"createUser {user} SHA-256 -l 0x{auth_key.hex()} AES -l 0x{priv_key.hex()}",
                f"rwuser {user} priv",
                "sysDescr RB-1 1.4.2",
                f"pass_persist .1.3.6.1.4.1.32473.1 {box}",
                "",
            ]
        ),
        "utf-8",
    )
    # SMUX would take a port that everybody shares.
    command = [find("snmpd"), "-f", "-Lo", "-I", "-smux", "-C", "-c", settings]
    command += ["-p", folder / "snmpd.pid"]
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}
    with _running(command, folder, environment, None):
        yield Peer(port=port, state=state)


def _box_state(folder: Path) -> Path:
    return folder / "box.json"


def _forced(state: Path) -> str:
    # Without `exec` a shell stands between the server and the box.
    return f"exec {sys.executable} -I -S {BOX} line {state}"


def _generated(folder: Path, kind: str) -> str:
    """Make a host key in the program's own format and return its public line."""
    path = folder / "host_key"
    if kind == "openssh":
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)])
        said = path.with_suffix(".pub").read_text("utf-8")
    else:
        said = _run(["dropbearkey", "-t", "ed25519", "-f", str(path)])
    line = next(line for line in said.splitlines() if line.startswith("ssh-ed25519 "))
    return " ".join(line.split()[:2])


def _run(command: Sequence[str]) -> str:
    program = str(find(command[0]))
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=True)
    return done.stdout


def _as_oper(folder: Path) -> dict[str, str]:
    """Give the program a user `oper`, who is ourselves, with a home of his own."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    (folder / "passwd").write_text(
        f"{Path('/etc/passwd').read_text('utf-8')}"
        f"oper:x:{os.getuid()}:{os.getgid()}:box:{home}:/bin/sh\n",
        "utf-8",
    )
    shutil.copy("/etc/group", folder / "group")
    return {
        **os.environ,
        "LD_PRELOAD": str(find("libnss_wrapper.so")),
        "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
        "NSS_WRAPPER_GROUP": str(folder / "group"),
    }


@contextmanager
def _running(
    command: Sequence[object], folder: Path, environment: Mapping[str, str], port: int | None
) -> Iterator[None]:
    """Run a program until the end of the block; a TCP `port` is waited for."""
    log = folder / "peer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if port is not None:
            _await_listener(process, port, log)
        yield
    finally:
        # A session of its own, so that the children of its connections end as well.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_listener(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start: {log.read_text('utf-8', 'replace')}")


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
