"""Our box and the SSH servers of real boxes answer one script of exchanges alike."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncssh
import pytest

from tests.conftest import missing
from tests.services import peers
from tests.simulators.links import Operator, operator_of
from tests.simulators.process import start_simulator

PEERS = {"openssh": peers.openssh, "dropbear": peers.dropbear}
NEEDED = {
    "openssh": ("sshd", "ssh-keygen", "libnss_wrapper.so"),
    "dropbear": ("dropbear", "dropbearkey", "libnss_wrapper.so"),
}
# What is said, the exit code, and what is printed to standard output (None: not compared).
EXCHANGES: list[tuple[str | None, int, str | None]] = [
    ("set active 1", 0, "active=1\n"),
    ("set active 1", 0, "active=1\n"),
    ("set active 2", 4, ""),
    ("set packages sport,basic", 0, "packages=basic,sport\n"),
    ("set packages basic,unheard,of", 4, ""),
    ('set packages ""', 0, "packages=\n"),
    ("set revision r-0042", 0, "revision=r-0042\n"),
    ('set revision "get active; id"', 0, "revision=get active; id\n"),
    ('set revision "$(id) `id` \\"a\\" \\\\ \'b\' *"', 0, "revision=$(id) `id` \"a\" \\ 'b' *\n"),
    ('set revision "grün ☂"', 0, "revision=grün ☂\n"),
    (f"set revision {'r' * 33}", 4, ""),
    ("set pin 1234", 0, ""),
    ("set pin 12x4", 4, ""),
    ('show "Bitte \\"zahlen\\"" 300', 0, "id=m-1\n"),
    (f'show "{"x" * 200}" 3600', 0, "id=m-2\n"),
    (f'show "{"x" * 201}" 3600', 4, ""),
    ("get active; id", 3, ""),
    ("id", 3, ""),
    ("set colour blue", 3, ""),
    ('set revision "open', 2, ""),
    ("", 2, ""),
    (None, 2, ""),
]


@pytest.fixture(scope="module", params=["ours", "openssh", "dropbear"])
def operator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """Return the operator of a box of each make."""
    with ExitStack() as stack:
        if request.param == "ours":
            yield operator_of(stack.enter_context(start_simulator("ssh", "--boot-s", "0.1")))
            return
        lacking = peers.missing(NEEDED[request.param])
        if lacking:
            missing(lacking)
        key = asyncssh.generate_private_key("ssh-ed25519")
        folder: Path = tmp_path_factory.mktemp(request.param)
        line = key.export_public_key("openssh").decode().strip()
        peer = stack.enter_context(PEERS[request.param](folder, line))
        yield Operator(port=peer.port, host_key=peer.host_key, key=key)


async def test_the_script(operator: Operator) -> None:
    """Exit codes, output, complaints, quoting and letters are the same on every server."""
    async with operator.link() as link:
        for line, code, output in EXCHANGES:
            done = await link.run(line)
            assert (done.exit_status, done.stdout) == (code, output), line
            assert bool(done.stderr) == (code != 0), line
        state = (await link.run("get state")).stdout.splitlines()
    assert {"active=1", "packages=", "revision=grün ☂"} <= set(state)
    assert not any("1234" in line or line.startswith("pin") for line in state)


async def test_the_link_drops_at_a_reboot(operator: Operator) -> None:
    """A reboot is accepted, then the link drops; later the box tells the key."""
    async with operator.link() as link:
        done = await link.run("reboot k-1")
        assert done.stdout == "accepted=k-1\n"
        await link.wait_closed()
    state = ""
    while not state:
        try:
            state = str((await operator.run("get state")).stdout)
        except (OSError, asyncssh.Error):
            await asyncio.sleep(0.02)
    assert "last_key=k-1\n" in state


async def test_who_is_not_let_in(operator: Operator) -> None:
    """A stranger's key, another name and a password are refused."""
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    for changes in (
        {"client_keys": [stranger]},
        {"username": "root"},
        {"client_keys": None, "password": "guess", "preferred_auth": ["password"]},
    ):
        with pytest.raises(asyncssh.PermissionDenied):
            await operator.link(**changes)


async def test_an_unpinned_host_key_is_not_spoken_to(operator: Operator) -> None:
    """A caller who was given another host key hears no answer of the box."""
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    line = f"[127.0.0.1]:{operator.port} {stranger}"
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await operator.link(known_hosts=asyncssh.import_known_hosts(line))


async def test_nothing_is_forwarded(operator: Operator) -> None:
    """A box is no way into the network behind it."""
    async with operator.link() as link:
        with pytest.raises(asyncssh.ChannelOpenError):
            await link.open_connection("127.0.0.1", operator.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await link.forward_remote_port("127.0.0.1", 0, "127.0.0.1", operator.port)
