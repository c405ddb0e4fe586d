"""Step 3: everybody renews, some cards decline; the ladder is climbed day by day into the dark.

Spoiled: the cards are good after all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from demo.portal import CUT_OFF, DARK, ON
from demo.proof import Evidence, Finding, finding
from demo.provider import Charge
from demo.scene import Scene, proven
from demo.story import Day, Household
from terms.money import Money

Heard = Mapping[str, list[str]]  # what each household's box was told


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Where things stood before something happened: charges known, journals."""

    charges: Collection[str]
    marks: Mapping[str, int]


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
        before = Before(
            charges={charge.id for charge in await stage.provider.charges()},
            marks=await scene.marks(),
        )
        await stage.product.advance_to(scene.story.instant(day.on))
        scene.timeline.happens("clock", f"it is {day.on}")
        today = await _day(scene, day, before, is_first=not findings)
        scene.timeline.found(today)
        findings += today
        if not all(found.is_proven for found in today):
            break
    return Evidence(findings=findings, state=await scene.state(*scene.households))


async def _day(scene: Scene, day: Day, before: Before, *, is_first: bool) -> list[Finding]:
    """Prove what a day brings: charges, words on the screens, dark boxes."""
    heard: Heard = {household.contract: [] for household in scene.households}

    async def look() -> list[Finding]:
        fresh = [c for c in await scene.stage.provider.charges() if c.id not in before.charges]
        findings = [_tries(scene.households, day, fresh)]
        if is_first:
            findings += _others(scene, fresh)
        for household in scene.households:
            heard[household.contract].extend(await scene.stage.portal.messages(household.mac))
        if day.notice:
            findings.append(_notices(scene.households, day, heard))
            findings += await _on_own_boxes(scene, day, before)
        if day.is_dark:
            findings += await _darkness(scene, heard)
            findings += await _order(scene, before)
        return findings

    findings = await proven(look, deadline_s=scene.patience_s)
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
    found = {contract: _said(words, heard[contract]) for contract, words in wanted.items()}
    return finding("screen", "messages", wanted=wanted, found=found)


async def _on_own_boxes(scene: Scene, day: Day, before: Before) -> list[Finding]:
    """Find the same words on the screens of boxes that are driven themselves."""
    findings = []
    for one in scene.households:
        if one.box:
            boxes = scene.stage.boxes_of(one.box)
            shown = await boxes.messages(one.box, before.marks[boxes.kind])
            words = [str(one.total), *day.notice]
            what = f"box {one.box} shows"
            findings.append(finding(boxes.kind, what, wanted=words, found=_said(words, shown)))
    return findings


async def _order(scene: Scene, before: Before) -> list[Finding]:
    """Find the portal dark before the box, by the clock of the machine they run on."""
    findings = []
    for one in scene.households:
        if one.box:
            boxes, portal = scene.stage.boxes_of(one.box), scene.stage.portal
            writes = await portal.status_writes(one.contract, before.marks["portal"])
            switched = await boxes.switched(one.box, before.marks[boxes.kind])
            times = [("portal", entry["at_ns"]) for entry in writes]
            times += [(boxes.kind, at_ns) for at_ns, _ in switched]
            found = [name for name, _ in sorted(times, key=lambda time: time[1])]
            what = f"{one.contract} went dark, in this order"
            findings.append(finding("journals", what, wanted=["portal", boxes.kind], found=found))
    return findings


def _said(words: Sequence[str], heard: Sequence[str]) -> Sequence[str]:
    """Give the words where one text has them all; else all that was heard."""
    return words if any(all(word in text for word in words) for text in heard) else heard


async def _darkness(scene: Scene, heard: Heard) -> list[Finding]:
    """Every debtor is dark at the portal and on his box; nobody else is."""
    findings = []
    for household in scene.households:
        findings += await scene.account_findings(household, DARK)
        findings += await scene.own_box(household, is_on=False)
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
