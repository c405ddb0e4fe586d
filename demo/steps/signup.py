"""Step 1: a household signs up; a technician registers its box there and plugs it in.

The bank takes its time, so all is dark. Spoiled: somebody at the portal switches the account on.
"""

from __future__ import annotations

import asyncio

from demo.portal import ON
from demo.proof import Evidence, Finding, finding
from demo.scene import Scene, proven


async def tell(scene: Scene) -> Evidence:
    """Sign up and prove account and box known and dark, the exact amount on its way."""
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
    await _install(scene)

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

    findings = await proven(look, deadline_s=scene.patience_s)
    return Evidence(findings=findings, state=await scene.state(scene.newcomer))


async def _install(scene: Scene) -> None:
    """Register the box where it is to stand, and give it power."""
    stage, household = scene.stage, scene.newcomer
    if not household.box:
        return
    who = stage.technician
    await stage.product.open_job("install", household.contract, who.actor)
    await who.sign_in()
    scene.timeline.happens(who.name, "signs in at /field/ and finds the job there")
    plugging_in = stage.boxes_of(household.box).plug_in(household.box)
    await asyncio.gather(who.register(household.box, household.contract), plugging_in)
    scene.timeline.happens(who.name, f"registers box {household.box} there and plugs it in")
