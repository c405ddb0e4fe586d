"""Step 5: somebody changes the account at the portal by hand, and what the box holds.

Spoiled: the portal refuses every write afterwards.
"""

from __future__ import annotations

from demo.portal import DARK, ON
from demo.proof import Evidence, Finding, finding
from demo.scene import Scene, proven
from demo.timeline import shown


async def tell(scene: Scene) -> Evidence:
    """Edit by hand, have the targets scanned, and prove account and box as they were."""
    stage, newcomer, hand = scene.stage, scene.newcomer, scene.story.hand
    marks = await scene.marks()
    fields = {
        "tariff_plan": hand["tariff"],
        "subscribed": hand["packages"],
        "status": hand["status"],
    }
    await stage.portal.tamper("set", account_number=newcomer.contract, fields=fields)
    targets = [stage.operator.target]
    if newcomer.box:
        boxes = stage.boxes_of(newcomer.box)
        await boxes.edit(newcomer.box, hand["box"])
        targets.append(boxes.driver.target)
    edited = await scene.state(newcomer)
    for place, held in edited.items():
        scene.timeline.happens("hand", f"makes it at {place}: {shown(held)}")
    if scene.is_spoiled:
        await stage.portal.injure("refused", match="POST|PUT .*")
    for target in targets:
        await _scan(scene, target)

    # Whoever was made dark is switched on again, once; nobody else is switched at all.
    switched = [ON] if hand["status"] == DARK else []
    relit = [] if hand["box"]["active"] else [True]

    async def look() -> list[Finding]:
        edits = await stage.portal.journal(marks["portal"], face="admin", changed="1")
        subjects = [entry["subject"] for entry in edits]
        return [
            finding("journal", "edited by hand", wanted=[newcomer.contract], found=subjects),
            *await scene.newcomer_lit(),
            *await scene.status_findings(newcomer, marks["portal"], wanted=switched),
            *await scene.switch_findings(newcomer, marks, wanted=relit),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    return Evidence(findings=findings, state=await scene.state(newcomer), notes={"edited": edited})


async def _scan(scene: Scene, target: str) -> None:
    """Have a target compared with what it should hold, and tell what was found."""
    for drift in await scene.stage.product.scan(target):
        differing = ", ".join(
            f"{name} {held} instead of {wished}" for name, (held, wished) in drift["fields"].items()
        )
        scene.timeline.happens("drift", f"{drift['kind']} {drift['ref']}: {differing}")
