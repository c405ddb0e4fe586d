"""/accounts/{contract}/loyalty: membership, points, and the code by which others are brought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import loyalty as desk
from app.desk.boxes import holder_of
from app.web.api.shapes import OptionalText, Text
from app.web.api.ways import change, look
from app.web.route import Body, Call
from billing.reads import loyalty
from runtime.store import Tx

POINTS_MAX = 10**12


class SpendBody(Body):
    """How many points become credit; the same reference again is the same deed."""

    points: Annotated[int, Field(ge=1, le=POINTS_MAX)]
    reference: Text
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointEntry:
    """Points that came, or went where they are below nothing."""

    at: datetime
    kind: str
    points: int
    expires_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loyalty:
    """What a household has; without points it is no member. Entries are newest first."""

    points: int | None
    entries: list[PointEntry]
    code: str
    brought: int
    rewarded: int


async def show_loyalty(call: Call) -> Loyalty:
    """Show points, their newest history, and whom the household has brought."""
    async with call.house.store.read() as tx:
        return await _shown(call, tx)


async def join_loyalty(call: Call, tx: Tx) -> Loyalty:
    """Make a household a member; again is harmless."""
    await desk.join(call.house, tx, call.part("contract"), call.actor)
    return await _shown(call, tx)


async def spend_points(call: Call, tx: Tx) -> Loyalty:
    """Turn points into credit."""
    body: SpendBody = call.body
    await desk.spend(
        call.house,
        tx,
        call.part("contract"),
        call.actor,
        points=body.points,
        reference=body.reference,
    )
    return await _shown(call, tx)


async def ask_code(call: Call, tx: Tx) -> Loyalty:
    """Have a code made by which the household brings others; it is always the same."""
    await desk.code_of(call.house, tx, call.part("contract"), call.actor)
    return await _shown(call, tx)


async def _shown(call: Call, tx: Tx) -> Loyalty:
    holder = await holder_of(tx, call.part("contract"))
    found = await loyalty.of_account(tx, holder.account)
    return Loyalty(
        points=found.points,
        entries=[
            PointEntry(at=one.at, kind=one.kind.value, points=one.points, expires_on=one.expires_on)
            for one in found.entries
        ],
        code=found.code,
        brought=found.brought,
        rewarded=found.rewarded,
    )


ROUTES = (
    look("accounts/{contract}/loyalty", show_loyalty, Loyalty),
    change("accounts/{contract}/loyalty", join_loyalty, Loyalty),
    change("accounts/{contract}/loyalty/spend", spend_points, Loyalty, body=SpendBody),
    change("accounts/{contract}/loyalty/code", ask_code, Loyalty),
)
