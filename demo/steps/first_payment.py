"""Step 2: the bank confirms the first invoice; webhook, ledger, entitlement, portal, picture.

Spoiled: the bank declines.
"""

from __future__ import annotations

from demo.proof import Evidence, Finding, StoryError, finding
from demo.scene import Scene, proven


async def tell(scene: Scene) -> Evidence:
    """Let the charge clear and prove amount, tariff, packages, box and channels."""
    stage, story = scene.stage, scene.story
    for line in story.working:
        scene.timeline.happens("by hand", line)
    charges = await stage.provider.charges(scene.newcomer.customer)
    if not charges:
        raise StoryError("the provider was asked for nothing")
    behaviour = f"decline:{story.renewal.decline}" if scene.is_spoiled else "ok"
    marks = await scene.marks()
    intent = charges[-1].intent
    await stage.provider.tamper("settle", payment_intent=intent, behaviour=behaviour)
    scene.timeline.happens("bank", f"decides on {charges[-1].amount}: {behaviour}")

    async def look() -> list[Finding]:
        found = [
            f"{charge.amount} {charge.status}"
            for charge in await stage.provider.charges(scene.newcomer.customer)
        ]
        wanted = [f"{story.first_total} succeeded"]
        return [
            finding("provider", "charges", wanted=wanted, found=found),
            *await scene.newcomer_lit(),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    return Evidence(
        findings=findings,
        state=await scene.state(scene.newcomer),
        notes=await scene.latency(scene.newcomer, marks),
    )
