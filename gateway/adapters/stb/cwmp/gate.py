"""Who is calling: the digest of a request, checked against what the box is known to have.

It says which box may speak, or what to answer instead. What the box then says of itself is none
of its business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from urllib.parse import urlsplit

from gateway.adapters.inbound import Ask, Reply
from gateway.adapters.sdk import Access, Boxes
from gateway.adapters.stb.cwmp import digest
from gateway.adapters.stb.cwmp.digest import Proof
from gateway.adapters.stb.cwmp.nonces import Nonces, Use
from gateway.adapters.stb.cwmp.options import CwmpOptions
from gateway.adapters.stb.cwmp.strikes import Strikes
from runtime.chance import Chance
from terms.errors import Permanent

USERNAME, PASSWORD, NEXT_PASSWORD = "username", "password", "next_password"
FIRST_PASSWORD = "first_password"  # noqa: S105 - a name
_OPAQUE_BYTES = 16
_NOBODY = Access()


class Rank(Enum):
    """By which of its passwords a box has called."""

    OWN = "own"
    NEXT = "next"  # the one that was set last: it has taken it
    FIRST = "first"  # the one it left the factory with
    BOOTSTRAP = "bootstrap"  # the one all boxes of a batch have; it proves no serial


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who has proven a password. `ref` is the serial it is for; None for bootstrap."""

    login: str
    rank: Rank
    ref: str | None
    access: Access
    algorithm: str
    secret: str = field(repr=False)


_RANKS: Mapping[str, Rank] = {
    NEXT_PASSWORD: Rank.NEXT,
    PASSWORD: Rank.OWN,
    FIRST_PASSWORD: Rank.FIRST,
}


class Gate:
    """Lets boxes in. One for each target and process; what one asks, another takes for an answer.

    `now` is the time that all machines go by.
    """

    def __init__(
        self, options: CwmpOptions, boxes: Boxes, chance: Chance, now: Callable[[], datetime]
    ) -> None:
        self._options = options
        self._boxes = boxes
        self._now = now
        self._nonces = Nonces(boxes.shared_key("nonces"), chance)
        self._strikes = Strikes()
        self._opaque = boxes.shared_key("opaque")[:_OPAQUE_BYTES].hex()

    async def admit(self, ask: Ask, now_s: float, known: Caller | None) -> Caller | Reply:
        """Check a request; `known` is whose session it names, so that nobody looks him up again.

        A reply is what to send instead of letting him in.
        """
        proof = digest.proof_of(ask.headers.get("authorization", ""))
        if proof is None or not self._is_for_us(proof, ask):
            return self._refusal(ask)
        use = self._nonces.look(proof.nonce, ask.peer, self._now().timestamp())
        if use is not Use.FRESH:
            return self._refusal(ask, is_stale=use is Use.STALE)
        wait_s = self._strikes.wait_s(ask.peer, proof.username, now_s)
        if wait_s:
            return Reply(status=503, headers={"Retry-After": str(int(wait_s) + 1)})
        caller = self._again(proof, ask, known) if known else await self._first(proof, ask)
        if caller is None:
            self._strikes.count(ask.peer, proof.username, now_s)
            return self._refusal(ask)
        if not self._nonces.spend(proof.nonce, proof.count):
            return self._refusal(ask)
        self._strikes.forgive(ask.peer, proof.username)
        return caller

    def _is_for_us(self, proof: Proof, ask: Ask) -> bool:
        path = proof.uri if proof.uri.startswith("/") else _path_of(proof.uri)
        is_ours = proof.algorithm in self._options.digests and proof.realm == self._options.realm
        return is_ours and proof.opaque == self._opaque and path == ask.path

    def _refusal(self, ask: Ask, *, is_stale: bool = False) -> Reply:
        now_s = self._now().timestamp()
        challenges = tuple(
            digest.challenge(
                realm=self._options.realm,
                nonce=self._nonces.make(now_s, ask.peer),
                opaque=self._opaque,
                algorithm=algorithm,
                is_stale=is_stale,
            )
            for algorithm in self._options.digests
        )
        return Reply(status=401, headers={"WWW-Authenticate": challenges})

    def _again(self, proof: Proof, ask: Ask, known: Caller) -> Caller | None:
        """Check one who is known by the secret he proved before."""
        if proof.username != known.login or proof.algorithm != known.algorithm:
            return None
        return known if digest.is_proven(proof, known.secret, ask.method) else None

    async def _first(self, proof: Proof, ask: Ask) -> Caller | None:
        ref, access = None, _NOBODY
        found = None
        if not self._is_bootstrap(proof):
            found = await self._boxes.answering(proof.username)
        if found is not None:
            ref, access = found.ref, found.access
        for rank, password in self._candidates(proof, access):
            secret = digest.secret_of(
                proof.algorithm, proof.username, self._options.realm, password
            )
            if digest.is_proven(proof, secret, ask.method):
                return Caller(
                    login=proof.username,
                    rank=rank,
                    ref=ref,
                    access=access,
                    algorithm=proof.algorithm,
                    secret=secret,
                )
        return None

    def _candidates(self, proof: Proof, access: Access) -> Iterator[tuple[Rank, str]]:
        bootstrap = self._options.bootstrap_password
        if bootstrap is not None and self._is_bootstrap(proof):
            yield Rank.BOOTSTRAP, bootstrap.get_secret_value()
        for name, rank in _RANKS.items():
            if password := access.secrets.get(name):
                yield rank, password

    def _is_bootstrap(self, proof: Proof) -> bool:
        name = self._options.bootstrap_username
        return bool(name) and proof.username == name


async def access_of(boxes: Boxes, ref: str) -> Access:
    """Find how a box is reached; nothing is known of one that nobody has described."""
    try:
        return await boxes.access(ref)
    except Permanent:
        return _NOBODY


def _path_of(uri: str) -> str:
    """Take the path of an absolute URI; empty where it is none."""
    try:
        return urlsplit(uri).path
    except ValueError:
        return ""
