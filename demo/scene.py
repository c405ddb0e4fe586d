"""What the steps share: stage, newcomer, whether this step is to be spoiled, and common looks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from demo.portal import DARK, DENIED, ON
from demo.proof import Finding, Look, finding, until_proven
from demo.stage import Stage
from demo.story import Household, Story
from demo.timeline import Timeline
from terms.money import Money

PROOF_S = 10.0
SPOILED_S = 2.0  # nobody waits long for what cannot be


@dataclass(slots=True, kw_only=True)
class Scene:
    """The stage with its story so far. `newcomer` gets his ids at the provider in step 1."""

    stage: Stage
    timeline: Timeline
    newcomer: Household
    is_spoiled: bool = False

    @property
    def story(self) -> Story:
        """The expected values."""
        return self.stage.story

    @property
    def patience_s(self) -> float:
        """How long the step waits for its proof."""
        return SPOILED_S if self.is_spoiled else PROOF_S

    @property
    def households(self) -> Sequence[Household]:
        """Everybody whose card declines at the renewal, the newcomer first."""
        return (self.newcomer, *self.story.debtors)

    def meet(self, customer: str, method: str) -> None:
        """Remember who the newcomer is at the provider."""
        self.newcomer = replace(self.newcomer, customer=customer, method=method)

    async def marks(self) -> Mapping[str, int]:
        """Tell where the journals of the simulators stand."""
        return {name: await one.last() for name, one in self.stage.simulators.items()}

    async def held(self, household: Household) -> Mapping[str, Any]:
        """Read what the portal holds for a household."""
        return await self.stage.portal.account(household.contract) or {"account": "unknown"}

    async def state(self, *households: Household) -> Mapping[str, Any]:
        """Show what the portal and their own boxes hold for households."""
        shown: dict[str, Any] = {}
        for one in households:
            shown[f"portal {one.contract}"] = await self.held(one)
            if one.box:
                boxes = self.stage.boxes_of(one.box)
                shown[f"{boxes.kind} {one.box}"] = await boxes.held(one.box)
        return shown

    async def account_findings(self, household: Household, status: int) -> list[Finding]:
        """Compare the account at the portal with what it should be."""
        wanted = {
            "account_number": household.contract,
            "tariff_plan": household.tariff,
            "subscribed": list(household.packages),
            "stb_mac": household.mac,
            "status": status,
        }
        found = await self.held(household)
        what = f"GET accounts/{household.contract}"
        return [finding("portal", what, wanted=wanted, found=found)]

    async def dark_box(self, household: Household) -> list[Finding]:
        """Find a box blocked: no channel list, no stream."""
        screen = await self.stage.portal.screen(household.mac)
        return [
            _box("get_profile says blocked", 1, screen.blocked),
            _box("get_all_channels", DENIED, screen.channels),
            _box("create_link", DENIED, screen.stream),
        ]

    async def lit_box(self, household: Household, channels: Sequence[str]) -> list[Finding]:
        """Find a box open, with exactly these channels."""
        screen = await self.stage.portal.screen(household.mac)
        return [
            _box("get_profile says blocked", 0, screen.blocked),
            _box("get_all_channels", list(channels), screen.channels),
            _box("create_link", "plays", screen.stream),
        ]

    async def own_box(self, household: Household, *, is_on: bool) -> list[Finding]:
        """Find a household's box as it should be, where it has one that is driven itself."""
        if not household.box:
            return []
        boxes = self.stage.boxes_of(household.box)
        wanted = {"active": is_on, "packages": list(household.box_packages)}
        found = await boxes.held(household.box)
        return [finding(boxes.kind, f"box {household.box}", wanted=wanted, found=found)]

    async def newcomer_dark(self) -> list[Finding]:
        """Find the newcomer known with all he has ordered, and dark."""
        return [
            *await self.account_findings(self.newcomer, DARK),
            *await self.dark_box(self.newcomer),
            *await self.own_box(self.newcomer, is_on=False),
        ]

    async def newcomer_lit(self) -> list[Finding]:
        """Find the newcomer with all he has ordered, and on."""
        return [
            *await self.account_findings(self.newcomer, ON),
            *await self.lit_box(self.newcomer, self.story.signup.channels),
            *await self.own_box(self.newcomer, is_on=True),
        ]

    async def status_findings(
        self, household: Household, after: int, *, wanted: Sequence[int]
    ) -> list[Finding]:
        """Compare the writes that changed an account's status since then with those wanted."""
        writes = await self.stage.portal.status_writes(household.contract, after)
        what = f"status writes for {household.contract}"
        found = [entry["after"]["status"] for entry in writes]
        return [finding("journal", what, wanted=list(wanted), found=found)]

    async def once_restored(self, household: Household, marks: Mapping[str, int]) -> list[Finding]:
        """Find exactly one write since then that changed the status, and it switched on."""
        return [
            *await self.status_findings(household, marks["portal"], wanted=[ON]),
            *await self.switch_findings(household, marks, wanted=[True]),
        ]

    async def switch_findings(
        self, household: Household, marks: Mapping[str, int], *, wanted: Sequence[bool]
    ) -> list[Finding]:
        """Compare how a household's own box was switched since then with what is wanted."""
        if not household.box:
            return []
        boxes = self.stage.boxes_of(household.box)
        switched = await boxes.switched(household.box, marks[boxes.kind])
        found = [is_on for _, is_on in switched]
        what = f"box {household.box} was switched on"
        return [finding(boxes.kind, what, wanted=list(wanted), found=found)]

    async def pay(self, household: Household, card: str) -> Money:
        """Pay all a household owes at the provider's page; return what the page asked for."""
        url = await self.stage.product.pay_link(household.contract)
        asked = await self.stage.provider.page_amount(url, household.total.currency)
        was_taken = await self.stage.provider.pay(url, card)
        said = "pays" if was_taken else "is refused"
        self.timeline.happens(
            "payer", f"{household.contract} {said} {asked} at the provider's page"
        )
        return asked

    async def latency(self, household: Household, marks: Mapping[str, int]) -> Mapping[str, Any]:
        """Measure, from outside, from the last byte of the webhook to the portal's write and on.

        `marks` lie before the one payment this is about.
        """
        now_ns = time.time_ns()
        told = await self.stage.provider.deliveries(marks["provider"])
        writes = await self.stage.portal.status_writes(household.contract, marks["portal"])
        if not told or not writes:
            return {}
        sent_ns = told[0]["after"]["sent_ns"]
        return {
            "webhook to portal, ms": round((writes[0]["at_ns"] - sent_ns) / 1e6, 1),
            "webhook to proven, ms": round((now_ns - sent_ns) / 1e6, 1),
        }


async def proven(look: Look, *, deadline_s: float = PROOF_S) -> list[Finding]:
    """Look until all holds, or give up."""
    return await until_proven(look, deadline_s=deadline_s)


def _box(what: str, wanted: Any, found: Any) -> Finding:
    return finding("box", what, wanted=wanted, found=found)
