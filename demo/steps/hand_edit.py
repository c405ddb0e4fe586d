"""Step 5: somebody changes tariff, packages and status at the portal by hand.

Spoiled: the portal refuses every write afterwards.
"""

from __future__ import annotations

from demo.portal import DARK, ON
from demo.proof import Evidence, Finding, finding
from demo.scene import Scene, proven
from demo.timeline import shown


async def tell(scene: Scene) -> Evidence:
    """Edit by hand, have the target scanned, and prove the account as it was."""
    stage, newcomer, hand = scene.stage, scene.newcomer, scene.story.hand
    marks = await scene.marks()
    fields = {
        "tariff_plan": hand["tariff"],
        "subscribed": hand["packages"],
        "status": hand["status"],
    }
    await stage.portal.tamper("set", account_number=newcomer.contract, fields=fields)
    edited = await scene.held(newcomer)
    scene.timeline.happens("hand", f"makes {newcomer.contract} at the portal: {shown(edited)}")
    if scene.is_spoiled:
        await stage.portal.injure("refused", match="POST|PUT .*")
    for drift in await stage.product.scan(stage.operator.target):
        differing = ", ".join(
            f"{name} {held} instead of {wished}" for name, (held, wished) in drift["fields"].items()
        )
        scene.timeline.happens("drift", f"{drift['kind']} {drift['ref']}: {differing}")

    # Whoever was made dark is switched on again, once; nobody else is switched at all.
    switched = [ON] if hand["status"] == DARK else []

    async def look() -> list[Finding]:
        edits = await stage.portal.journal(marks["portal"], face="admin", changed="1")
        subjects = [entry["subject"] for entry in edits]
        return [
            finding("journal", "edited by hand", wanted=[newcomer.contract], found=subjects),
            *await scene.newcomer_lit(),
            *await scene.status_findings(newcomer, marks["portal"], wanted=switched),
        ]

    findings = await proven(look)
    state = {"edited": edited, "portal": await scene.held(newcomer)}
    return Evidence(findings=findings, state=state)
