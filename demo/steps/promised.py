"""Step 9: a household promises to pay; on the day on which debtors go dark it is still on.

Spoiled: nobody writes the promise down.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.portal import DARK, ON
from demo.proof import Evidence, Finding
from demo.scene import Scene, proven
from demo.steps.declined import up_to_last_try


async def tell(scene: Scene) -> Evidence:
    """Take the promise, move to that day, and prove one household on and the other dark."""
    dues, marks = scene.story.dues, await scene.marks()
    if not scene.is_spoiled:
        await _promise(scene)
    days = scene.story.dunned
    for day in days[len(up_to_last_try(days)) :]:
        await scene.stage.product.advance_to(scene.story.instant(day.on))
        scene.timeline.happens("clock", f"it is {day.on}")
        await scene.stage.product.rest()

    async def look() -> list[Finding]:
        return [
            *await scene.account_findings(dues.redeeming, DARK),
            *await scene.dark_box(dues.redeeming),
            *await scene.account_findings(dues.promising, ON),
            *await scene.status_findings(dues.promising, marks["portal"], wanted=[]),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    if all(found.is_proven for found in findings):
        await scene.stage.product.rest()
        findings = await look()
    return Evidence(findings=findings, state=await scene.state(dues.promising, dues.redeeming))


async def mend(scene: Scene) -> Sequence[Finding]:
    """Write the promise down now, which brings the picture back."""
    await _promise(scene)
    return await proven(lambda: scene.account_findings(scene.story.dues.promising, ON))


async def _promise(scene: Scene) -> None:
    dues = scene.story.dues
    await scene.stage.product.take_promise(dues.promising.contract, dues.until_on)
    scene.timeline.happens("staff", f"takes the word of {dues.promising.contract}: {dues.until_on}")
