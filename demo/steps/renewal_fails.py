"""Step 3: everybody renews, some cards decline; the ladder is climbed day by day into the dark.

Spoiled: the cards are good after all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from demo.portal import CUT_OFF, DARK, ON
from demo.proof import Evidence, Finding, finding
from demo.provider import Charge
from demo.scene import Scene, proven
from demo.story import Day, Household
from terms.money import Money

Heard = Mapping[str, list[str]]  # what each household's box was told


async def tell(scene: Scene) -> Evidence:
    """Move business time over the ladder and prove each of its days."""
    stage, renewal = scene.stage, scene.story.renewal
    for household in scene.households:
        await stage.portal.messages(household.mac)  # whatever was told before
        if not scene.is_spoiled:
            behaviour = f"decline:{renewal.decline}"
            method = household.method
            await stage.provider.tamper("card", payment_method=method, behaviour=behaviour)
    cards = ", ".join(household.contract for household in scene.households)
    declines = "honours" if scene.is_spoiled else "declines"
    scene.timeline.happens("bank", f"{declines} the cards of {cards} from now on")
    findings: list[Finding] = []
    for day in renewal.days:
        known = {charge.id for charge in await stage.provider.charges()}
        await stage.product.advance_to(scene.story.instant(day.on))
        scene.timeline.happens("clock", f"it is {day.on}")
        today = await _day(scene, day, known, is_first=not findings)
        scene.timeline.found(today)
        findings += today
        if not all(found.is_proven for found in today):
            break
    state = {household.contract: await scene.held(household) for household in scene.households}
    return Evidence(findings=findings, state=state)


async def _day(scene: Scene, day: Day, known: Collection[str], *, is_first: bool) -> list[Finding]:
    """Prove what a day brings: charges, words on the screens, dark boxes."""
    heard: Heard = {household.contract: [] for household in scene.households}

    async def look() -> list[Finding]:
        fresh = [c for c in await scene.stage.provider.charges() if c.id not in known]
        findings = [_tries(scene.households, day, fresh)]
        if is_first:
            findings += _others(scene, fresh)
        for household in scene.households:
            heard[household.contract].extend(await scene.stage.portal.messages(household.mac))
        if day.notice:
            findings.append(_notices(scene.households, day, heard))
        if day.is_dark:
            findings += await _darkness(scene, heard)
        return findings

    findings = await proven(look)
    if not all(found.is_proven for found in findings):
        return findings
    # What must not come is looked for when nothing is under way any more.
    await scene.stage.product.rest()
    return await look()


def _tries(households: Sequence[Household], day: Day, fresh: Sequence[Charge]) -> Finding:
    """List the charges that the debtors' cards saw, and how they ended."""
    found = {
        household.contract: [
            f"{charge.amount} {charge.status}"
            for charge in fresh
            if charge.customer == household.customer
        ]
        for household in households
    }
    wanted = {one.contract: [f"{one.total} failed"] * day.tries for one in households}
    return finding("provider", "charges of the debtors", wanted=wanted, found=found)


def _others(scene: Scene, fresh: Sequence[Charge]) -> list[Finding]:
    """Everybody else's renewal: how many were charged, once each, and how much in all."""
    renewal = scene.story.renewal
    debtors = {household.customer for household in scene.households}
    paid = [c for c in fresh if c.customer not in debtors and c.status == "succeeded"]
    total = sum((charge.amount for charge in paid), Money(0, renewal.paid_total.currency))
    customers = {charge.customer for charge in paid}
    count = renewal.paid_count
    return [
        finding("provider", "other households charged", wanted=count, found=len(customers)),
        finding("provider", "charges for that", wanted=count, found=len(paid)),
        finding("provider", "charged in all", wanted=str(renewal.paid_total), found=str(total)),
    ]


def _notices(households: Sequence[Household], day: Day, heard: Heard) -> Finding:
    """Compare what debtors read on their screens; show all of it where it is something else."""
    wanted = {one.contract: [str(one.total), *day.notice] for one in households}
    found = {
        contract: words if _is_said(words, heard[contract]) else heard[contract]
        for contract, words in wanted.items()
    }
    return finding("screen", "messages", wanted=wanted, found=found)


def _is_said(words: Sequence[str], heard: Sequence[str]) -> bool:
    return any(all(word in text for word in words) for text in heard)


async def _darkness(scene: Scene, heard: Heard) -> list[Finding]:
    """Every debtor is dark at the portal and on his box; nobody else is."""
    findings = []
    for household in scene.households:
        findings += await scene.account_findings(household, DARK)
    cut_off = [contract for contract, told in heard.items() if CUT_OFF in told]
    debtors = [household.contract for household in scene.households]
    statuses = await scene.stage.portal.statuses()
    lit = sum(status == ON for status in statuses.values())
    return [
        *findings,
        finding("box", "told to cut off", wanted=debtors, found=cut_off),
        *await scene.dark_box(scene.newcomer),
        finding("portal", "still on", wanted=scene.story.renewal.lit_count, found=lit),
    ]
