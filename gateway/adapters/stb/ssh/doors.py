"""Opens the links to boxes, one for each, and decides over host keys.

A pinned key alone is trusted, or a first one inside a technician's claim window. A link is kept for
a moment after its use, so that look, write and look are one sign-in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncssh

from gateway.adapters import boxes
from gateway.adapters.sdk import Access, Boxes, Http
from gateway.adapters.stb.ssh import keys
from gateway.adapters.stb.ssh.link import Link
from gateway.adapters.stb.ssh.options import SshOptions
from terms.errors import Permanent, Retryable, TargetError, Unreachable, untouched

PORT = 22
# Nobody is trusted because of a file of this machine: the pinned key alone decides.
NO_KNOWN_HOSTS: tuple[list[str], ...] = ([], [], [], [], [], [], [])
HOST_KEYS = (
    "ssh-ed25519",
    *("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
LEGACY_HOST_KEYS = ("ssh-rsa",)
LEGACY = {
    "kex_algs": "+diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    "encryption_algs": "+aes128-cbc,3des-cbc",
    "mac_algs": "+hmac-sha1,hmac-md5",
}
CLAIM_AGAIN = "a technician has to claim it again"
OTHER_KEY = (
    "the box shows another host key than the pinned one; it waits on the review list: once the "
    f"office has let the new key in, {CLAIM_AGAIN}"
)


class Doors:
    """The links that are open or in use, by serial."""

    def __init__(self, options: SshOptions, http: Http, known: Boxes) -> None:
        self._options = options
        self._http = http
        self._boxes = known
        self._key = keys.opened(
            options.private_key.get_secret_value(), options.passphrase.get_secret_value()
        )
        self._links: dict[str, Link] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def to(self, ref: str) -> AsyncIterator[Link]:
        """Open the link to a box, or take the one that is open; whatever goes wrong ends it."""
        access = await self._boxes.access(ref)
        link = self._links.setdefault(ref, Link(self._options))
        link.users += 1
        try:
            async with link.lock:
                await self._ready(ref, link, access)
                yield link
                link.closing = asyncio.get_running_loop().call_later(
                    self._options.keep_s, self._close, ref, link
                )
        except BaseException:
            self._abort(link)
            raise
        finally:
            link.users -= 1
            self._forget(ref, link)

    async def drop(self) -> None:
        """Break every connection off."""
        for ref, link in list(self._links.items()):
            self._abort(link)
            self._forget(ref, link)
        await asyncio.gather(*self._ending)

    def _close(self, ref: str, link: Link) -> None:
        """Say goodbye to a box that nobody has needed for a while."""
        if not link.lock.locked():
            connection = link.taken()
            if connection is not None:
                connection.close()
                self._await(connection)
            self._forget(ref, link)

    def _abort(self, link: Link) -> None:
        """Break a link off, whatever is said on it."""
        connection = link.taken()
        if connection is not None:
            connection.abort()
            self._await(connection)

    def _await(self, connection: asyncssh.SSHClientConnection) -> None:
        task = asyncio.create_task(connection.wait_closed())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _forget(self, ref: str, link: Link) -> None:
        if not link.users and link.connection is None and self._links.get(ref) is link:
            del self._links[ref]

    async def _ready(self, ref: str, link: Link, access: Access) -> None:
        if link.closing is not None:
            link.closing.cancel()
            link.closing = None
        where = access.address, access.host_key
        if link.connection is not None and (link.where != where or link.connection.is_closed()):
            self._abort(link)
        if link.connection is None:
            guard = _Guard(_pinned(access))
            try:
                link.connection = await self._connected(access, guard)
            except asyncssh.HostKeyNotVerifiable:
                await self._boxes.other_key(ref, guard.shown)
                raise untouched(Permanent(OTHER_KEY)) from None
            link.where = access.address, access.host_key or guard.shown
            link.first_key = "" if access.host_key else guard.shown

    async def _connected(self, access: Access, guard: _Guard) -> asyncssh.SSHClientConnection:
        options = self._options
        host, port = boxes.place_of(access.address, PORT)
        try:
            async with asyncio.timeout(options.connect_deadline_s):
                # The very address that was judged is connected to, whatever its name leads to then.
                address = await self._http.resolve(host)
                return await self._opened(address, port, access, guard)
        except asyncssh.HostKeyNotVerifiable:
            raise
        except (TimeoutError, asyncssh.Error, OSError) as error:
            raise untouched(_not_opened(error, options)) from None

    async def _opened(
        self, address: str, port: int, access: Access, guard: _Guard
    ) -> asyncssh.SSHClientConnection:
        options = self._options
        return await asyncssh.connect(
            address,
            port,
            config=None,
            known_hosts=NO_KNOWN_HOSTS,
            client_factory=lambda: guard,
            server_host_key_algs=_host_keys(access, is_legacy=options.legacy),
            username=options.user,
            client_keys=[self._key],
            preferred_auth=["publickey"],
            agent_path=None,
            agent_forwarding=False,
            gss_host=None,
            compression_algs=None,
            login_timeout=options.login_deadline_s,
            **(LEGACY if options.legacy else {}),
        )


class _Guard(asyncssh.SSHClient):
    """Decides over host keys: the pinned one, or any at all inside a claim window."""

    def __init__(self, pinned: asyncssh.SSHKey | None) -> None:
        self._pinned = pinned
        self.shown = ""

    def validate_host_public_key(
        self,
        host: str,  # noqa: ARG002 - the library's own
        addr: str,  # noqa: ARG002
        port: int,  # noqa: ARG002
        key: asyncssh.SSHKey,
    ) -> bool:
        """Tell whether this is the box we know, or one we may get to know."""
        self.shown = " ".join(key.export_public_key("openssh").decode().split()[:2])
        return self._pinned is None or key.public_data == self._pinned.public_data


def _pinned(access: Access) -> asyncssh.SSHKey | None:
    """Read the pinned key; None where a first one may be trusted."""
    if not access.host_key:
        if access.may_pin:
            return None
        raise untouched(Permanent(f"the host key of the box is not known: {CLAIM_AGAIN}"))
    try:
        return asyncssh.import_public_key(access.host_key)
    except asyncssh.KeyImportError:
        why = f"the pinned host key of the box is no key: {CLAIM_AGAIN}"
        raise untouched(Permanent(why)) from None


def _host_keys(access: Access, *, is_legacy: bool) -> Sequence[str]:
    """List the kinds of host keys to ask for: that of the pinned one first, then every other.

    Asked for the pinned kind alone, a box with a new key of another kind would only hang up.
    """
    known = (*HOST_KEYS, *(LEGACY_HOST_KEYS if is_legacy else ()))
    pinned = access.host_key.partition(" ")[0]
    return sorted(known, key=lambda name: _family(name) != _family(pinned))


def _family(algorithm: str) -> str:
    return "ssh-rsa" if "rsa" in algorithm else algorithm


def _not_opened(error: Exception, options: SshOptions) -> TargetError:
    match error:
        case asyncssh.PermissionDenied():
            return Permanent(f"the box does not let {options.user!r} in with our key")
        case asyncssh.KeyExchangeFailed():
            more = "" if options.legacy else "; it may need the option legacy"
            return Permanent(f"the box knows no algorithm that we take{more}")
        case TimeoutError():
            return Unreachable("the box did not answer in time")
        case asyncssh.ConnectionLost():
            return Unreachable("the box broke the connection off")
        case OSError():
            why = os.strerror(error.errno).lower() if error.errno else "it cannot be reached"
            return Unreachable(f"no connection to the box: {why}")
    return Retryable("the box ended the sign-in")
