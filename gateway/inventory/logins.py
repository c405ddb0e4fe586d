"""How each box is reached: its address, its sealed secrets, its pinned key, its claim window.

Secrets are sealed for their box; a copy in another row does not open. They change in two phases:
the old ones stay valid until the box was seen with the new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Column, Index, String, Table, Text, or_, select, update

from gateway.adapters.boxes import misplaced
from gateway.adapters.sdk import NEXT, Access, Answering
from gateway.inventory import hostkeys, imprints, secrets
from gateway.inventory.imprints import SecretOf
from gateway.inventory.store import resource
from runtime.clock import Clock
from runtime.resealing import reseal
from runtime.secrets import SealBroken, Sealer
from runtime.store import Instant, Store, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.telemetry import get_log
from terms.errors import Conflict, Invalid, NotFound, Permanent
from terms.ids import ResourceId

CLAIM_WINDOW = timedelta(minutes=30)
ADDRESS_CHARS_MAX = 255
URL_MARK = "://"
HOST_KEY_CHARS_MAX = 2_000
IMPRINTED_AT_ONCE_MAX = 500
FIRST_PASSWORD = "first_password"  # noqa: S105 - the name of what a reset box falls back to

box_login = Table(
    "box_login",
    metadata,
    Column("resource", String(40), primary_key=True),
    Column("address", String(255), nullable=False),
    Column("login_name", String(200)),
    Column("key_id", String(16), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("host_key", Text, nullable=False),
    Column("claim_until", Instant),
    Column("changed_at", Instant, nullable=False),
    # The key under which all secrets of the box have imprints; none before they have.
    Column("imprinted_by", String(16)),
    Index(None, "login_name"),
    Index(None, "key_id"),
    Index(None, "imprinted_by"),
)
_C = box_login.c
_log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What somebody tells of a box. What is left empty stays as it was.

    `listed` are the secrets as a purchase list has them, so that the same list is known again.
    """

    resource: ResourceId
    address: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    host_key: str = ""
    listed: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is sealed of one box. `is_given` holds once it has shown a password of our making."""

    now: Mapping[str, str] = field(default_factory=dict, repr=False)
    next: Mapping[str, str] = field(default_factory=dict, repr=False)
    listed: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_given: bool = False

    def with_told(self, told: Mapping[str, str]) -> _Kept:
        """Take what somebody tells; another password than the box has is none of our making."""
        password = told.get(secrets.PASSWORD)
        is_same = password is None or password == self.now.get(secrets.PASSWORD)
        return replace(self, now={**self.now, **told}, is_given=self.is_given and is_same)

    def told(self) -> dict[str, str]:
        """Give all it may be using: what it has, is to have, and left the factory with."""
        fresh = {f"{NEXT}{name}": each for name, each in self.next.items()}
        first = self.listed.get(secrets.PASSWORD)
        is_old = first is not None and first != self.now.get(secrets.PASSWORD)
        return {**self.now, **fresh, **({FIRST_PASSWORD: first} if first and is_old else {})}


class Logins:
    """Keeps them. Methods with a `tx` belong to the caller's transaction."""

    def __init__(self, store: Store, sealer: Sealer, clock: Clock) -> None:
        self.store = store
        self.sealer = sealer
        self.clock = clock

    async def access(self, ref: str) -> Access:
        """Find how to reach a box. Raises Permanent for one nobody has described."""
        async with self.store.read() as tx:
            row = await _of_serial(tx, ref)
        if row is None:
            raise Permanent(f"nobody has told how to reach the box {ref}")
        return self._access(row)

    async def pin(self, ref: str, host_key: str) -> None:
        """Keep the key a box has shown inside its claim window; the same again is fine.

        Raises Permanent for a box nobody has described and Conflict outside the window or for
        another key than the pinned one, which is put before a person.
        """
        async with self.store.begin() as tx:
            why = await self._pin(tx, ref, _checked_key(host_key))
        if why:
            raise Conflict(why)

    async def other_key(self, ref: str, shown: str) -> None:
        """Put before a person that a box shows another host key than the pinned one."""
        async with self.store.begin() as tx:
            row = await _of_serial(tx, ref, is_locked=True)
            if row is None or not row.host_key or hostkeys.is_same(row.host_key, shown):
                return  # somebody has let it in meanwhile
            now = self.clock.machine_now()
            await hostkeys.report_other(
                tx, ref, pinned=row.host_key, shown=_checked_key(shown), now=now
            )

    async def answering(self, names: Iterable[str]) -> dict[str, Answering]:
        """Find the boxes that sign in under these names, by name.

        A name that more than one box has finds none; nor is a box found whose seal is broken.
        """
        async with self.store.read() as tx:
            rows = await _ANSWERING.rows(tx, {KEYS: packed(tx.engine, names)})
        by_name: dict[str, list[Any]] = {}
        for row in rows:
            by_name.setdefault(row.login_name, []).append(row)
        found = {}
        for name, (row, *others) in by_name.items():
            try:
                if not others:
                    found[name] = Answering(ref=row.serial, access=self._access(row))
            except SealBroken:
                _log.error("login.seal_broken", serial=row.serial)
        return found

    async def describe(self, tx: Tx, told: Sequence[Described]) -> None:
        """Write down how boxes are reached. Raises Invalid, which shows no secret."""
        before = await _of(tx, [one.resource for one in told])
        rows = []
        for one in told:
            secrets.check(one.secrets)
            row = before.get(one.resource)
            kept = self._opened(row) if row else _Kept()
            kept = replace(kept.with_told(one.secrets), listed=one.listed or kept.listed)
            rows.append(
                {
                    "resource": one.resource,
                    "address": checked_address(one.address) or (row.address if row else ""),
                    "login_name": kept.now.get(secrets.USERNAME),
                    **self._sealed(one.resource, kept),
                    "host_key": _checked_key(one.host_key) or (row.host_key if row else ""),
                    "claim_until": row.claim_until if row else None,
                    "changed_at": self.clock.machine_now(),
                    "imprinted_by": row.imprinted_by if row else self.sealer.key_id,
                }
            )
        await tx.upsert(box_login, rows, key=("resource",))
        await imprints.keep(tx, self.sealer, [(one.resource, one.secrets) for one in told])

    async def listed(self, tx: Tx, boxes: Iterable[ResourceId]) -> Mapping[ResourceId, Any]:
        """Give the secrets of boxes as a purchase list brought them."""
        found = await _of(tx, boxes)
        return {id_: self._opened(row).listed for id_, row in found.items()}

    async def shared(self, tx: Tx, told: Mapping[str, Mapping[str, str]]) -> Mapping[SecretOf, str]:
        """Tell which secrets, by the serial of the box they are for, another box has already."""
        while waiting := await _without_imprints(tx, self.sealer.key_id):
            await self._take_imprints(tx, waiting)
        return await imprints.shared(tx, self.sealer, told)

    async def _take_imprints(self, tx: Tx, rows: Sequence[Any]) -> None:
        """Take those of what was described before there were any, or under another key."""
        told = []
        for row in rows:
            try:
                kept = self._opened(row)
            except SealBroken:
                continue  # nobody can tell any more what it was
            each = (kept.now, kept.next, kept.listed)
            told += [(ResourceId(row.resource), values) for values in each]
        await imprints.keep(tx, self.sealer, told)
        done = update(box_login).where(among(tx.engine, _C.resource))
        keys = {KEYS: packed(tx.engine, [row.resource for row in rows])}
        await tx.execute(done.values(imprinted_by=self.sealer.key_id), keys)

    async def open_window(self, tx: Tx, box: ResourceId, *, last: timedelta = CLAIM_WINDOW) -> None:
        """Let a box show its first key: a technician stands before it."""
        await self.describe(tx, [Described(resource=box)])
        until = self.clock.machine_now() + last
        await tx.execute(update(box_login).where(_C.resource == box).values(claim_until=until))

    async def forget_key(self, tx: Tx, box: ResourceId) -> str:
        """Forget a pinned key, so that the next claim pins another: somebody has looked at it.

        Returns its fingerprint; empty where there was none.
        """
        row = (await _of(tx, [box])).get(box)
        await tx.execute(update(box_login).where(_C.resource == box).values(host_key=""))
        return hostkeys.fingerprint(row.host_key) if row else ""

    async def rotate(self, tx: Tx, ref: str, fresh: Mapping[str, str]) -> Mapping[str, str]:
        """Begin to change the secrets of a box, and tell which it is to be given.

        The old ones stay valid until `seen_new`. What was begun before stands: the box may have
        taken it already. A name is given once, to a box that has none, and holds at once. Raises
        NotFound, and Invalid for another name than the box has.
        """
        secrets.check(fresh)
        row = await _known(tx, ref)
        kept = self._opened(row)
        names = {name: fresh[name] for name in secrets.NAMES if name in fresh}
        for name, wanted in names.items():
            if kept.now.get(name, wanted) != wanted:
                raise Invalid(name, "a name is no secret: it does not change by turns")
        later = {name: each for name, each in fresh.items() if name not in names} | dict(kept.next)
        await self._keep(tx, row, replace(kept, now={**kept.now, **names}, next=later))
        return {name: later.get(name, each) for name, each in fresh.items()}

    async def seen_new(self, tx: Tx, ref: str) -> None:
        """End the change: the box was seen with the new secrets. Again is harmless."""
        row = await _known(tx, ref)
        kept = self._opened(row)
        if kept.next:
            now = {**kept.now, **kept.next}
            is_given = kept.is_given or secrets.PASSWORD in kept.next
            await self._keep(tx, row, replace(kept, now=now, next={}, is_given=is_given))

    def _access(self, row: Any) -> Access:
        until, kept = row.claim_until, self._opened(row)
        return Access(
            address=row.address,
            secrets=kept.told(),
            is_given=kept.is_given,
            host_key=row.host_key,
            may_pin=not row.host_key and until is not None and self.clock.machine_now() < until,
        )

    async def _pin(self, tx: Tx, ref: str, host_key: str) -> str:
        row = await _of_serial(tx, ref, is_locked=True)
        if row is None:
            raise Permanent(f"nobody has told how to reach the box {ref}")
        if row.host_key and hostkeys.is_same(row.host_key, host_key):
            return ""
        now = self.clock.machine_now()
        if row.host_key:
            why = await hostkeys.report_other(tx, ref, pinned=row.host_key, shown=host_key, now=now)
            return f"{why}: somebody has to look at it"
        if row.claim_until is None or row.claim_until <= now:
            return f"the box {ref} shows a first host key outside a claim: register it again there"
        values = {"host_key": host_key, "changed_at": now}
        await tx.execute(update(box_login).where(_C.resource == row.resource).values(**values))
        return ""

    async def seal_anew(self, tx: Tx) -> int:
        """Have the first master key seal the logins of every box; returns how many it had not."""
        changed = await reseal(tx, self.sealer, _C.resource, _C.sealed, _place)
        await tx.execute(update(box_login).values(key_id=self.sealer.key_id))
        return changed

    async def _keep(self, tx: Tx, row: Any, kept: _Kept) -> None:
        named = {"login_name": kept.now.get(secrets.USERNAME)}
        values = {**self._sealed(row.resource, kept), **named}
        change = update(box_login).where(_C.resource == row.resource)
        await tx.execute(change.values(**values, changed_at=self.clock.machine_now()))

    def _sealed(self, box: str, kept: _Kept) -> dict[str, str]:
        each = {"now": kept.now, "next": kept.next, "listed": kept.listed}
        parts = {name: dict(values) for name, values in each.items()}
        text = orjson.dumps({**parts, "is_given": kept.is_given}).decode()
        sealed = self.sealer.seal(text, place=_place(box))
        return {"key_id": self.sealer.key_id, "sealed": sealed}

    def _opened(self, row: Any) -> _Kept:
        return _Kept(**orjson.loads(self.sealer.open(row.sealed, place=_place(row.resource))))


def checked_address(text: str) -> str:
    """Check where a box listens: `host:port`, a host, or the URL at which one that calls is rung.

    Raises Invalid.
    """
    if len(text) > ADDRESS_CHARS_MAX or not text.isprintable() or " " in text:
        raise Invalid("address", f"host:port or URL, at most {ADDRESS_CHARS_MAX} characters")
    if text and URL_MARK not in text and (why := misplaced(text)):
        raise Invalid("address", why)
    return text


def _checked_key(text: str) -> str:
    if len(text) > HOST_KEY_CHARS_MAX or not text.isprintable():
        raise Invalid("host_key", f"at most {HOST_KEY_CHARS_MAX} printable characters")
    return text.strip()


def _place(box: str) -> str:
    return f"box_login/sealed/{box}"


def _rows() -> Any:
    columns = (
        *(_C.resource, _C.address, _C.login_name, _C.sealed),
        *(_C.host_key, _C.claim_until, _C.imprinted_by),
    )
    joined = box_login.join(resource, resource.c.id == _C.resource)
    return select(*columns, resource.c.serial).select_from(joined)


def _answering(engine: Engine) -> Any:
    return _rows().where(among(engine, _C.login_name))


_ANSWERING = PreparedQuery(_answering)


async def _of(tx: Tx, boxes: Iterable[str]) -> dict[ResourceId, Any]:
    query = _rows().where(among(tx.engine, _C.resource)).order_by(_C.resource)
    query = query.with_for_update(of=box_login) if tx.engine == "postgresql" else query
    rows = await tx.rows(query, {KEYS: packed(tx.engine, boxes)})
    return {ResourceId(row.resource): row for row in rows}


async def _without_imprints(tx: Tx, key_id: str) -> Sequence[Any]:
    query = _rows().where(or_(_C.imprinted_by.is_(None), _C.imprinted_by != key_id))
    return await tx.rows(query.order_by(_C.resource).limit(IMPRINTED_AT_ONCE_MAX))


async def _of_serial(tx: Tx, serial: str, *, is_locked: bool = False) -> Any:
    query = _rows().where(resource.c.serial == serial)
    return await tx.first(query.with_for_update(of=box_login) if is_locked else query)


async def _known(tx: Tx, serial: str) -> Any:
    row = await _of_serial(tx, serial, is_locked=True)
    if row is None:
        raise NotFound(f"nobody has told how to reach the box {serial}")
    return row
