"""What happens by the clock: drift scans, looks for lost work, facts, and listening for others.

No failure of a step ends its loop: the next one tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from app import answers
from app.desk.linking import link_deeds
from app.roles import describing, earning
from app.roles.activations import activate_proven
from app.roles.metering import read_meters
from app.roles.pictures import Pictures
from app.roles.polling import Polls
from app.roles.possessions import take_waiting
from app.wiring import House
from billing.flows import loyalty, replay, upkeep
from billing.flows.debits import book
from messages import store as deliveries
from runtime.retry import stopped_within
from runtime.store.watch import EVERY_S, ForeignCommits

ANSWERS = "answers"
FACTS_EVERY_S = 2.0
CHECKPOINT_EVERY_S = 2.0
DEEDS_EVERY_S = 2.0
LOST_EVERY_S = 86_400.0
ANSWERS_EVERY_S = 600.0
MESSAGES_EVERY_S = 3_600.0
POINTS_EVERY_S = 600.0
POINTS_ROWS_MAX = 200
EARNED_EVERY_S = 3_600.0
CARDS_EVERY_S = 3_600.0
DEBITS_EVERY_S = 600.0
SOON_S = 2.0


async def scan_for_drift(house: House, stop: asyncio.Event) -> None:
    """Compare every target with our wishes, again and again."""
    await _again(house, stop, "drift", house.drift.scan_all, house.settings.drift_every_s)


async def read_usage(house: House, stop: asyncio.Event) -> None:
    """Take what targets have counted."""
    every_s = house.settings.usage_every_s
    await _again(house, stop, "usage", partial(read_meters, house), every_s)


async def hear_others(house: House, stop: asyncio.Event) -> None:
    """Ring for everything when another process has committed: it may have left work."""
    commits = ForeignCommits(house.store)

    async def listen() -> None:
        if await commits.are_new():
            house.store.bell.ring_all()
            await house.refresh_providers()

    if house.store.is_sqlite:
        await _again(house, stop, "ears", listen, EVERY_S)
    else:
        await _again(house, stop, "ears", house.refresh_providers, house.settings.sweep_s)


async def checkpoint(house: House, stop: asyncio.Event) -> None:
    """Spare whoever commits to SQLite the way from its log into its file."""
    await _again(house, stop, "checkpoint", house.store.checkpoint, CHECKPOINT_EVERY_S)


async def take_facts(house: House, stop: asyncio.Event) -> None:
    """Hand possession facts to billing that no settling account came by to take."""
    await _again(house, stop, "facts", partial(take_waiting, house), FACTS_EVERY_S)


async def activate_boxes(house: House, stop: asyncio.Event) -> None:
    """Note which boxes have proven themselves where they stand."""
    await _again(house, stop, "activations", partial(activate_proven, house), FACTS_EVERY_S)


async def time_pictures(house: House, stop: asyncio.Event) -> None:
    """Measure how long households wait for what they have paid."""
    await _again(house, stop, "pictures", Pictures(house).look, FACTS_EVERY_S, at_s=0)


async def find_lost(house: House, stop: asyncio.Event) -> None:
    """Mark what should have a row of work and has none: at the start, and every day."""
    looks = (
        _again(house, stop, f"lost {kind}", partial(_mark_lost, house, kind), LOST_EVERY_S, at_s=0)
        for kind in replay.KINDS
    )
    letters = _again(
        house, stop, "lost letters", partial(_mark_lost_letters, house), LOST_EVERY_S, at_s=0
    )
    await asyncio.gather(*looks, letters)


async def earn_revenue(house: House, stop: asyncio.Event) -> None:
    """Earn the months that are over: at the start, and every hour."""
    await _again(house, stop, "earned", partial(earning.run, house), EARNED_EVERY_S, at_s=0)


async def chain_deeds(house: House, stop: asyncio.Event) -> None:
    """Link the deeds that were written meanwhile."""
    await _again(house, stop, "deeds", partial(link_deeds, house), DEEDS_EVERY_S, at_s=0)


async def forget_answers(house: House, stop: asyncio.Event) -> None:
    """Sweep away what callers were told so long ago that nobody asks again."""
    await _again(house, stop, ANSWERS, partial(_sweep_answers, house), ANSWERS_EVERY_S)


async def forget_messages(house: House, stop: asyncio.Event) -> None:
    """Sweep away what was sent so long ago that nobody asks any more."""
    await _again(house, stop, "messages", partial(_sweep_messages, house), MESSAGES_EVERY_S)


async def expire_points(house: House, stop: asyncio.Event) -> None:
    """Let points go that nobody has spent in time."""
    await _again(house, stop, "points", partial(_expire_points, house), POINTS_EVERY_S)


async def poll_providers(house: House, stop: asyncio.Event) -> None:
    """Ask payment providers what happened: a message may have been lost."""
    every_s = house.settings.provider_poll_every_s
    await _again(house, stop, "polls", Polls(house).look, every_s, at_s=min(every_s, SOON_S))


async def warn_of_ends(house: House, stop: asyncio.Event) -> None:
    """Tell holders of cards that end soon: at the start, and every hour."""
    await _again(house, stop, "cards", partial(_warn_of_ends, house), CARDS_EVERY_S, at_s=0)


async def describe_methods(house: House, stop: asyncio.Event) -> None:
    """Have payment methods described that came without a name."""
    every_s = describing.EVERY_S
    await _again(house, stop, "names", partial(describing.describe_methods, house), every_s)


async def book_debits(house: House, stop: asyncio.Event) -> None:
    """Book debits of which nothing came back in time: at the start, and every ten minutes."""
    await _again(house, stop, "debits", partial(_book_debits, house), DEBITS_EVERY_S, at_s=0)


async def _book_debits(house: House) -> None:
    booked = book.ROWS_MAX
    while booked == book.ROWS_MAX:
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            booked = await book.book_due(house.desk, tx, now)


async def _warn_of_ends(house: House) -> None:
    told = upkeep.ROWS_MAX
    while told == upkeep.ROWS_MAX:
        async with house.store.begin() as tx:
            told = await upkeep.warn(house.desk, tx, await house.clock.business_now(tx))


async def _expire_points(house: House) -> None:
    async with house.store.begin() as tx:
        now = await house.clock.business_now(tx)
        await loyalty.expire_due(house.desk, tx, now, rows_max=POINTS_ROWS_MAX)


async def _sweep_answers(house: House) -> None:
    gone = answers.SWEEP_ROWS_MAX
    while gone == answers.SWEEP_ROWS_MAX:
        async with house.store.begin() as tx:
            gone = await answers.sweep(tx, house.clock.machine_now())


async def _sweep_messages(house: House) -> None:
    gone = deliveries.SWEEP_ROWS_MAX
    while gone == deliveries.SWEEP_ROWS_MAX:
        before = house.clock.machine_now() - timedelta(days=house.settings.messages_kept_days)
        async with house.store.begin() as tx:
            gone = await deliveries.sweep(tx, before)


async def _mark_lost(house: House, kind: str) -> None:
    after: str | None = ""
    while after is not None:
        async with house.store.begin() as tx:
            after = await replay.mark_lost(house.desk, tx, kind, after)


async def _mark_lost_letters(house: House) -> None:
    async with house.store.begin() as tx:
        await house.letters.mark_lost(tx)


async def _again(
    house: House,
    stop: asyncio.Event,
    loop: str,
    step: Callable[[], Awaitable[object]],
    every_s: float,
    *,
    at_s: float | None = None,
) -> None:
    """Do a step every so often until told to stop, first after as long or after `at_s`."""
    outages = house.store.outages
    wait_s = every_s if at_s is None else at_s
    try:
        while not await stopped_within(stop, wait_s):
            await outages.outlive(loop, step())
            # What the database did not let through does not wait for its hour.
            wait_s = min(every_s, SOON_S) if outages.is_lost else every_s
    finally:
        outages.ended(loop)
