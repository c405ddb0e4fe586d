"""Step 6: the portal is down for a while of real time; meanwhile the debtors pay.

Spoiled: the portal does not come back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from demo.portal import ON
from demo.proof import Evidence, Finding, NoAnswer, finding
from demo.provider import GOOD_CARD, TAKEN
from demo.scene import Scene, proven

RETURN_S = 20.0


async def tell(scene: Scene) -> Evidence:
    """Take the portal down, have everybody pay, bring it back, and prove all of them restored.

    Boxes that are driven themselves do not wait for the portal.
    """
    stage, debtors = scene.stage, scene.story.debtors
    marks = await scene.marks()
    down_at = time.monotonic()
    await stage.portal.injure("down")
    scene.timeline.happens("portal", "goes down")
    asked = [str(await scene.pay(debtor, GOOD_CARD)) for debtor in debtors]

    async def acknowledged() -> list[Finding]:
        told = await stage.provider.deliveries(marks["provider"])
        taken = [entry["after"]["status"] for entry in told].count(TAKEN)
        return [
            finding("provider", "webhooks taken", wanted=len(debtors), found=taken),
            finding(
                "provider", "pages asked for", wanted=[str(d.total) for d in debtors], found=asked
            ),
            *[found for one in debtors for found in await scene.own_box(one, is_on=True)],
        ]

    while_down = await proven(acknowledged)
    await asyncio.sleep(max(0.0, scene.story.down_s - (time.monotonic() - down_at)))
    touched = await stage.portal.journal(marks["portal"])
    while_down.append(finding("journal", "portal touched while down", wanted=0, found=len(touched)))
    if not scene.is_spoiled:
        await stage.portal.heal()
    down_s = time.monotonic() - down_at
    scene.timeline.happens("portal", "stays down" if scene.is_spoiled else "is back")

    async def look() -> list[Finding]:
        findings = list(while_down)
        for debtor in debtors:
            findings += await scene.account_findings(debtor, ON)
            findings += await scene.once_restored(debtor, marks)
        return findings

    patience_s = scene.patience_s if scene.is_spoiled else RETURN_S
    findings = await proven(look, deadline_s=patience_s)
    if all(found.is_proven for found in findings):
        await stage.product.rest()
        findings = await look()
    notes = {"down, s": round(down_s, 1), "back to proven, s": _since(down_at, down_s)}
    return Evidence(findings=findings, state=await _state(scene), notes=notes)


async def _state(scene: Scene) -> Mapping[str, object]:
    try:
        return await scene.state(*scene.story.debtors)
    except NoAnswer as error:
        return {"portal": str(error)}


def _since(down_at: float, down_s: float) -> float:
    return round(time.monotonic() - down_at - down_s, 1)
