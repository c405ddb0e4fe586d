"""Step 3: everybody renews, some cards decline; the ladder is climbed day by day into the dark.

Spoiled: the cards are good after all.
"""

from __future__ import annotations

from collections.abc import Collection

from demo.portal import CUT_OFF, DARK, ON
from demo.proof import Evidence, Finding, finding
from demo.provider import Charge
from demo.scene import Scene, proven
from demo.story import Day, Household
from terms.money import Money


async def tell(scene: Scene) -> Evidence:
    """Move business time over the ladder and prove each of its days."""
    stage, renewal = scene.stage, scene.story.renewal
    if not scene.is_spoiled:
        for household in scene.households:
            behaviour = f"decline:{renewal.decline}"
            method = household.method
            await stage.provider.tamper("card", payment_method=method, behaviour=behaviour)
            await stage.portal.messages(household.mac)  # whatever was told before
        cards = ", ".join(household.contract for household in scene.households)
        scene.timeline.happens("bank", f"declines the cards of {cards} from now on")
    findings = []
    for number, day in enumerate(renewal.days):
        known = {charge.id for charge in await stage.provider.charges()}
        await stage.product.advance_to(scene.story.instant(day.on))
        scene.timeline.happens("clock", f"it is {day.on}")
        findings += await _day(scene, day, known, is_first=number == 0)
        if not all(finding.is_proven for finding in findings):
            break
    state = {household.contract: await scene.held(household) for household in scene.households}
    return Evidence(findings=findings, state=state)


async def _day(scene: Scene, day: Day, known: Collection[str], *, is_first: bool) -> list[Finding]:
    """Prove what a day brings: charges, words on the screens, dark boxes."""
    heard: dict[str, list[str]] = {}

    async def look() -> list[Finding]:
        fresh = [c for c in await scene.stage.provider.charges() if c.id not in known]
        found = [_tries(household, day, fresh) for household in scene.households]
        if is_first:
            found += _others(scene, fresh)
        for household in scene.households:
            heard.setdefault(household.mac, []).extend(
                await scene.stage.portal.messages(household.mac)
            )
            if day.notice:
                found.append(_notice(household, day, heard[household.mac]))
        if day.is_dark:
            found += await _darkness(scene, heard)
        return found

    findings = await proven(look)
    # What must not come is looked for only when nothing is under way any more.
    await scene.stage.product.rest()
    return findings if not all(f.is_proven for f in findings) else await look()


def _tries(household: Household, day: Day, fresh: list[Charge]) -> Finding:
    found = [
        f"{charge.amount} {charge.status}"
        for charge in fresh
        if charge.customer == household.customer
    ]
    wanted = [f"{household.total} failed"] * day.tries
    what = f"{day.on} charges of {household.contract}"
    return finding("provider", what, wanted=wanted, found=found)


def _others(scene: Scene, fresh: list[Charge]) -> list[Finding]:
    """Everybody else's renewal: how many were charged, and how much in all."""
    renewal = scene.story.renewal
    debtors = {household.customer for household in scene.households}
    paid = [c for c in fresh if c.customer not in debtors and c.status == "succeeded"]
    total = sum((charge.amount for charge in paid), Money(0, renewal.paid_total.currency))
    customers = len({charge.customer for charge in paid})
    return [
        _provider(
            "households charged, each once", [renewal.paid_count] * 2, [customers, len(paid)]
        ),
        _provider("charged in all", str(renewal.paid_total), str(total)),
    ]


def _notice(household: Household, day: Day, heard: list[str]) -> Finding:
    words = [str(household.total), *day.notice]
    matching = [text for text in heard if all(word in text for word in words)]
    found = words if matching else heard
    what = f"{day.on} box {household.mac} shows"
    return finding("screen", what, wanted=words, found=found)


async def _darkness(scene: Scene, heard: dict[str, list[str]]) -> list[Finding]:
    """Every debtor is dark at the portal and on his box; nobody else is."""
    findings = []
    for household in scene.households:
        findings += await scene.account_findings(household, DARK)
        told = CUT_OFF in heard.get(household.mac, ())
        what = f"box {household.mac} was told to cut off"
        findings.append(finding("box", what, wanted=True, found=told))
    findings += await scene.dark_box(scene.newcomer)
    lit = [s for s in (await scene.stage.portal.statuses()).values() if s == ON]
    wanted = scene.story.renewal.lit_count
    findings.append(finding("portal", "everybody else is on", wanted=wanted, found=len(lit)))
    return findings


def _provider(what: str, wanted: object, found: object) -> Finding:
    return finding("provider", what, wanted=wanted, found=found)
