"""Step 1: a household signs up with its box and its card. The bank takes its time, so it is dark.

Spoiled: somebody at the portal switches the account on.
"""

from __future__ import annotations

from demo.portal import ON
from demo.proof import Evidence, Finding, finding
from demo.scene import Scene, proven


async def tell(scene: Scene) -> Evidence:
    """Sign up and prove the account known and dark, the exact amount on its way."""
    stage, order = scene.stage, scene.story.signup
    customer, method = await stage.provider.new_customer(order.name, order.card)
    scene.meet(customer, method)
    # As with a bank debit: accepted now, decided in step 2.
    behaviours = ["processing", "ok"]
    await stage.provider.tamper("card", payment_method=method, behaviours=behaviours)
    await stage.product.sign_up(order, stage.operator.payments, scene.newcomer)
    ordered = " + ".join((order.plan, *order.addons))
    box = f"{order.box['serial']} ({order.box['mac']})"
    scene.timeline.happens("staff", f"signs {order.contract} up: {ordered}, box {box}")

    if scene.is_spoiled:
        await proven(scene.newcomer_dark)
        await stage.product.rest()  # what is under way would mend it
        await stage.portal.tamper("set", account_number=order.contract, fields={"status": ON})

    async def look() -> list[Finding]:
        charges = await stage.provider.charges(customer)
        under_way = [f"{charge.amount} {charge.status}" for charge in charges]
        wanted = [f"{scene.story.first_total} pending"]
        return [
            *await scene.newcomer_dark(),
            finding("provider", "charges", wanted=wanted, found=under_way),
        ]

    findings = await proven(look)
    return Evidence(findings=findings, state={"portal": await scene.held(scene.newcomer)})
