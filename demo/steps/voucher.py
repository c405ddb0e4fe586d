"""Step 10: a household that went dark buys a voucher, and types its code in the portal.

Spoiled: nobody has activated the batch, so that its cards are good for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.portal import ON
from demo.proof import Evidence, Finding, StoryError, finding
from demo.scene import Scene, proven
from demo.subscriber import Subscriber

BATCH, LATER = "KIOSK", "KIOSK-2"
TAKEN = "taken"


async def tell(scene: Scene) -> Evidence:
    """Make a voucher, redeem it, and prove the household back without any card charged."""
    dues, provider = scene.story.dues, scene.stage.provider
    marks, known = await scene.marks(), len(await provider.charges(dues.redeeming.customer))
    said = await _redeem(scene, BATCH, is_active=not scene.is_spoiled)

    async def look() -> list[Finding]:
        charges = await provider.charges(dues.redeeming.customer)
        return [
            finding("voucher", "its code was", wanted=TAKEN, found=said),
            *await scene.account_findings(dues.redeeming, ON),
            *await scene.once_restored(dues.redeeming, marks),
            finding("provider", "charges for that", wanted=0, found=len(charges) - known),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    if all(found.is_proven for found in findings):
        await scene.stage.product.rest()
        findings = await look()
    return Evidence(findings=findings, state=await scene.state(dues.redeeming))


async def mend(scene: Scene) -> Sequence[Finding]:
    """Redeem a card of another batch, one that is active."""
    await _redeem(scene, LATER, is_active=True)
    return await proven(lambda: scene.account_findings(scene.story.dues.redeeming, ON))


async def _redeem(scene: Scene, batch: str, *, is_active: bool) -> str:
    """Have a batch of one card made, and its code typed; tell what became of it."""
    stage, dues = scene.stage, scene.story.dues
    household = dues.redeeming
    code = await stage.product.make_voucher(batch, dues.voucher, dues.after_on)
    if is_active:
        await stage.product.call("POST", f"vouchers/{batch}/activate", body={})
    scene.timeline.happens("staff", f"makes a voucher of {dues.voucher}")
    who = Subscriber(stage.parts.client, stage.product.url, stage.mail, email=household.email)
    await who.sign_in()
    scene.timeline.happens("payer", f"{household.contract} signs in with the code from its mail")
    try:
        await who.redeem(code)
    except StoryError as error:
        return str(error)
    scene.timeline.happens("payer", f"{household.contract} types the code of the voucher")
    return TAKEN
