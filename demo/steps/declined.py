"""Step 8: a bill day on which three cards are declined, one as stolen.

That one is not tried again; another card, left at the provider's page, is charged at once.
Spoiled: the bank says of it what it says of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.portal import ON
from demo.proof import Evidence, Finding, finding
from demo.provider import GOOD_CARD, Charge
from demo.scene import Scene, proven
from demo.story import Day

STOLEN = "decline:stolen_card"


async def tell(scene: Scene) -> Evidence:
    """Move to the bill day and over the days of retries, and prove which cards were tried."""
    dues, provider = scene.story.dues, scene.stage.provider
    soft = f"decline:{dues.decline}"
    stolen = soft if scene.is_spoiled else STOLEN
    for household, behaviour in (
        (dues.declined, stolen),
        (dues.promising, soft),
        (dues.redeeming, soft),
    ):
        await provider.tamper("card", payment_method=household.method, behaviour=behaviour)
        scene.timeline.happens("bank", f"will say to {household.contract}: {behaviour}")
    findings: list[Finding] = []
    for day in up_to_last_try(scene.story.dunned):
        known = {charge.id for charge in await provider.charges()}
        await scene.stage.product.advance_to(scene.story.instant(day.on))
        scene.timeline.happens("clock", f"it is {day.on}")
        today = await _tried(scene, known, day)
        scene.timeline.found(today)
        findings += today
        if not all(found.is_proven for found in today):
            return Evidence(findings=findings)
    findings += await _another_card(scene)
    return Evidence(findings=findings, state=await scene.state(dues.declined))


async def mend(scene: Scene) -> Sequence[Finding]:
    """Climb what is left of the ladder's tries, and have the household leave another card."""
    for day in up_to_last_try(scene.story.dunned):
        await scene.stage.product.advance_to(scene.story.instant(day.on))
        await scene.stage.product.rest()
    return await _another_card(scene)


def up_to_last_try(days: Sequence[Day]) -> Sequence[Day]:
    """Give the days of the ladder up to the last on which cards are tried."""
    return days[: max(number for number, day in enumerate(days, 1) if day.tries)]


async def _tried(scene: Scene, known: set[str], day: Day) -> list[Finding]:
    """Count the charges that the three cards saw that day; the stolen one is tried once ever."""
    dues = scene.story.dues
    tries = {dues.declined.contract: day.tries if day.on == dues.on else 0}
    owners = {one.customer: one for one in (dues.declined, dues.promising, dues.redeeming)}

    async def look() -> list[Finding]:
        fresh = [c for c in await scene.stage.provider.charges() if c.id not in known]
        found = {
            one.contract: [_told(c) for c in fresh if c.customer == customer]
            for customer, one in owners.items()
        }
        wanted = {
            one.contract: [f"{one.total} failed"] * tries.get(one.contract, day.tries)
            for one in owners.values()
        }
        return [finding("provider", "charges of these cards", wanted=wanted, found=found)]

    findings = await proven(look, deadline_s=scene.patience_s)
    if all(found.is_proven for found in findings):
        await scene.stage.product.rest()
        findings = await look()
    return findings


async def _another_card(scene: Scene) -> list[Finding]:
    """Leave another card at the provider's page: it is charged at once what is due."""
    stage, one = scene.stage, scene.story.dues.declined
    known, marks = {c.id for c in await stage.provider.charges()}, await scene.marks()
    await stage.provider.pay(await stage.product.card_link(one.contract), GOOD_CARD)
    scene.timeline.happens("payer", f"{one.contract} leaves another card at the provider's page")

    async def look() -> list[Finding]:
        charges = await stage.provider.charges(one.customer)
        fresh = [c for c in charges if c.id not in known and c.method != one.method]
        return [
            finding(
                "provider",
                "charges of the other card",
                wanted=[f"{one.total} succeeded"],
                found=[_told(charge) for charge in fresh],
            ),
            *await scene.account_findings(one, ON),
            *await scene.status_findings(one, marks["portal"], wanted=[]),
        ]

    return await proven(look)


def _told(charge: Charge) -> str:
    return f"{charge.amount} {charge.status}"
