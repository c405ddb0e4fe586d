"""Step 11: who promised pays by transfer; the bank's statement tells of it in time.

Spoiled: the payer writes nothing that says whose the money is.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.bank import Transfer, statement
from demo.portal import ON
from demo.proof import Evidence, Finding, StoryError, finding
from demo.scene import Scene, proven


async def tell(scene: Scene) -> Evidence:
    """Have the statement taken, let the promise run out, and prove the picture never went."""
    stage, dues = scene.stage, scene.story.dues
    one, marks = dues.promising, await scene.marks()
    known = len(await stage.provider.charges(one.customer))
    await stage.product.advance_to(scene.story.instant(dues.paid_on))
    scene.timeline.happens("clock", f"it is {dues.paid_on}")
    text = "for television" if scene.is_spoiled else f"Invoice {await _number(scene)}"
    paid = Transfer(amount=one.total, name="A. Nobody", text=text)
    body = {"pieces": [statement(dues.paid_on, paid)]}
    taken = await stage.product.call("POST", "bank/statements", body=body)
    scene.timeline.happens("bank", f"tells of {one.total}, {text!r}")
    await stage.product.rest()
    await stage.product.advance_to(scene.story.instant(dues.after_on))
    scene.timeline.happens("clock", f"it is {dues.after_on}: the promise is over")
    await stage.product.rest()

    async def look() -> list[Finding]:
        charges = await stage.provider.charges(one.customer)
        return [
            finding("bank", "lines", wanted={"matched": 1}, found=taken["states"]),
            *await scene.account_findings(one, ON),
            *await scene.status_findings(one, marks["portal"], wanted=[]),
            finding("provider", "charges for that", wanted=0, found=len(charges) - known),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    return Evidence(findings=findings, state=await scene.state(one))


async def mend(scene: Scene) -> Sequence[Finding]:
    """Have a person say whose the money is."""
    product, one = scene.stage.product, scene.story.dues.promising
    for line in (await product.call("GET", "bank/waiting"))["items"]:
        body = {"line": line["id"], "to": [{"contract": one.contract}]}
        await product.call("POST", "bank/assign", body=body)
    return await proven(lambda: scene.account_findings(one, ON))


async def _number(scene: Scene) -> str:
    """Read the number of the invoice that is to be paid, as the household does."""
    account = await scene.stage.product.account(scene.story.dues.promising.contract)
    numbers = [one["number"] for one in account["invoices"] if one["open"]["amount_minor"]]
    if len(numbers) != 1:
        raise StoryError(f"{len(numbers)} invoices are open and not one")
    return str(numbers[0])
