"""Step 12: a payer's bank takes a charge back, and gives it back to us when the dispute is won.

Spoiled: the dispute is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.proof import Evidence, Finding, StoryError, finding
from demo.provider import GOOD_CARD
from demo.scene import Scene, proven
from terms.money import Money


async def tell(scene: Scene) -> Evidence:
    """Dispute the newest charge of a household and prove its invoice open; then close it, won."""
    provider, one = scene.stage.provider, scene.story.dues.disputing
    charge = (await provider.charges(one.customer))[-1]
    await provider.tamper("dispute", payment_intent=charge.intent)
    scene.timeline.happens("bank", f"takes {charge.amount} back from {one.contract}'s charge")
    disputes = [d for d in await provider.all("disputes") if d["charge"] == charge.id]
    if len(disputes) != 1:
        raise StoryError(f"the provider knows {len(disputes)} disputes of the charge and not one")
    findings = await proven(lambda: _owed(scene, one.total), deadline_s=scene.patience_s)
    if not all(found.is_proven for found in findings):
        return Evidence(findings=findings)
    url = await scene.stage.product.pay_link(one.contract)
    asked = await provider.page_amount(url, one.total.currency)
    findings.append(finding("provider", "a page asks for", wanted=str(one.total), found=str(asked)))
    scene.timeline.found(findings)
    status = "lost" if scene.is_spoiled else "won"
    await provider.tamper("close_dispute", dispute=disputes[0]["id"], status=status)
    scene.timeline.happens("bank", f"closes the dispute: {status}")
    nothing = Money(0, one.total.currency)
    findings += await proven(lambda: _owed(scene, nothing), deadline_s=scene.patience_s)
    return Evidence(findings=findings, state=await scene.state(one))


async def mend(scene: Scene) -> Sequence[Finding]:
    """Have the household pay again."""
    one = scene.story.dues.disputing
    await scene.pay(one, GOOD_CARD)
    return await proven(lambda: _owed(scene, Money(0, one.total.currency)))


async def _owed(scene: Scene, wanted: Money) -> list[Finding]:
    account = await scene.stage.product.account(scene.story.dues.disputing.contract)
    found = account["owed"]
    owed = Money(found["amount_minor"], found["currency"])
    return [finding("books", "is owed", wanted=str(wanted), found=str(owed))]
