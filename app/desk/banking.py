"""Statements of banks over the counter: taken, looked at again, decided about, audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.desk.auditing import note
from app.wiring import House
from billing.bank.model import WAITING, Statement
from billing.flows.bank import decide
from billing.flows.bank import undo as undoing
from billing.flows.bank.decide import Share
from billing.flows.bank.lay import Stored
from billing.flows.bank.take import Taken, batches, close, is_taken, look_again, take_lines
from runtime.memory import settle_down
from runtime.store import Tx

ROUNDS_MAX = 10_000


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What has become of a file: its statements, and of their lines so many by state."""

    statements: list[str] = field(default_factory=list)
    known: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def add(self, one: Statement, taken: Taken) -> None:
        """Count a statement."""
        self.statements.append(f"{one.account} {one.id}")
        self.known += taken.known
        for state, count in taken.states.items():
            self.states[state] = self.states.get(state, 0) + count


async def take_all(house: House, data: bytes, actor: str) -> Outcome:
    """Take a file of any size, a batch of lines in a transaction; begun again it takes none twice.

    Raises Invalid for a file that is unsound, before anything of it is taken.
    """
    settle_down()
    from billing.bank.reading import read  # noqa: PLC0415 - 4 MB that most processes never need

    statements = read(data)
    outcome = Outcome()
    for one in statements:
        taken = Taken()
        async with house.store.read() as tx:
            await is_taken(tx, one)
        for batch in batches(one):
            async with house.store.begin() as tx:
                now = await house.clock.business_now(tx)
                await take_lines(house.desk, tx, one, batch, now, taken=taken)
        async with house.store.begin() as tx:
            await _close(house, tx, one, taken, actor)
        outcome.add(one, taken)
    return outcome


async def take(house: House, tx: Tx, data: bytes, actor: str) -> Outcome:
    """Take a file that is small enough for one transaction. Raises as `take_all` does."""
    outcome = Outcome()
    from billing.bank.reading import read  # noqa: PLC0415 - as above

    for one in read(data):
        taken = Taken()
        await is_taken(tx, one)
        now = await house.clock.business_now(tx)
        for batch in batches(one):
            await take_lines(house.desk, tx, one, batch, now, taken=taken)
        await _close(house, tx, one, taken, actor)
        outcome.add(one, taken)
    return outcome


async def _close(house: House, tx: Tx, one: Statement, taken: Taken, actor: str) -> None:
    await close(tx, one, await house.clock.business_now(tx))
    if taken.states:
        said = ", ".join(f"{count} {state}" for state, count in sorted(taken.states.items()))
        subject = f"bank:{one.account} {one.id}"
        await note(house, tx, actor=actor, action="bank.take", subject=subject, after=said)


async def retry(house: House, actor: str) -> int:
    """Look again at all that waits; returns how many lines wait no longer."""
    gone, after = 0, ""
    for _ in range(ROUNDS_MAX):
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            more, after = await look_again(house.desk, tx, now, after=after)
        gone += more
        if not after:
            break
    async with house.store.begin() as tx:
        said = f"{gone} found"
        await note(house, tx, actor=actor, action="bank.retry", subject="bank:waiting", after=said)
    return gone


async def assign(
    house: House, tx: Tx, entry: str, shares: Sequence[Share], actor: str, *, reason: str = ""
) -> Stored:
    """Give a line to an account, or in parts to several. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    one = await decide.assign(house.desk, tx, entry, shares, now)
    said = ", ".join(f"{share.amount or one.line.amount} to {share.contract}" for share in shares)
    await _note(house, tx, one, actor, action="bank.assign", after=said, reason=reason)
    return one


async def set_aside(
    house: House, tx: Tx, entry: str, actor: str, *, provider: str = "", reason: str = ""
) -> Stored:
    """Say that a line is no customer's. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    one = await decide.set_aside(house.desk, tx, entry, now, provider=provider, reason=reason)
    said = f"outside {provider}".strip()
    await _note(house, tx, one, actor, action="bank.aside", after=said, reason=reason)
    return one


async def suspend(house: House, tx: Tx, entry: str, actor: str, *, reason: str = "") -> Stored:
    """Send a line from the review list to suspense. Raises what the flow raises."""
    one = await decide.suspend(house.desk, tx, entry, await house.clock.business_now(tx))
    await _note(house, tx, one, actor, action="bank.suspend", after="suspense", reason=reason)
    return one


async def undo(house: House, tx: Tx, entry: str, actor: str, *, reason: str = "") -> Stored:
    """Take a line from where it went by mistake, once. Raises what the flow raises."""
    one = await undoing.undo(house.desk, tx, entry, await house.clock.business_now(tx))
    if one.state not in WAITING:
        await _note(house, tx, one, actor, action="bank.undo", after="suspense", reason=reason)
    return one


async def take_back(
    house: House, tx: Tx, entry: str, of: str, actor: str, *, reason: str = ""
) -> Stored:
    """Say which payment a line takes back. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    one = await decide.take_back(house.desk, tx, entry, of, now)
    await _note(house, tx, one, actor, action="bank.return", after=f"of {of}", reason=reason)
    return one


async def _note(
    house: House, tx: Tx, one: Stored, actor: str, *, action: str, after: str, reason: str
) -> None:
    await note(
        house,
        tx,
        actor=actor,
        action=action,
        subject=f"bank:{one.id}",
        before=f"{one.line.amount}, {one.state}",
        after=after,
        reason=reason,
    )
