"""Step 4: the debt is paid at the provider's page; the account is back at once, and only once.

Spoiled: the card given there is declined.
"""

from __future__ import annotations

from demo.portal import CUT_ON
from demo.proof import Evidence, Finding, finding
from demo.provider import BAD_CARD, GOOD_CARD
from demo.scene import Scene, proven


async def tell(scene: Scene) -> Evidence:
    """Pay what is owed and prove the account restored by exactly one write."""
    stage, newcomer = scene.stage, scene.newcomer
    await stage.portal.messages(newcomer.mac)
    before = {charge.id for charge in await stage.provider.charges()}
    marks = await scene.marks()
    asked = await scene.pay(newcomer, BAD_CARD if scene.is_spoiled else GOOD_CARD)
    owed, heard = newcomer.total, list[str]()

    async def look() -> list[Finding]:
        charges = await stage.provider.charges()
        paid = [f"{c.amount} {c.status}" for c in charges if c.id not in before]
        heard.extend(await stage.portal.messages(newcomer.mac))
        return [
            finding("provider", "the page asks for", wanted=str(owed), found=str(asked)),
            finding("provider", "charges", wanted=[f"{owed} succeeded"], found=paid),
            *await scene.newcomer_lit(),
            *await scene.once_restored(newcomer, marks),
            finding("box", "was told to cut on, times", wanted=1, found=heard.count(CUT_ON)),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    notes = await scene.latency(newcomer, marks)
    # Once means once when nothing is under way any more, too.
    await stage.product.rest()
    if all(found.is_proven for found in findings):
        findings = await look()
    return Evidence(findings=findings, state=await scene.state(newcomer), notes=notes)
