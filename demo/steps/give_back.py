"""Step 7: a technician takes the box back; its rent stops that day, what was paid is given back.

Spoiled: the box was unplugged before anybody could switch it off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from demo.portal import ON
from demo.proof import Evidence, Finding, finding
from demo.scene import Scene, proven

MENDED_S = 20.0


async def tell(scene: Scene) -> Evidence:
    """Take the box back and prove it empty, then the next charge less by what was given back."""
    stage, back, serial = scene.stage, scene.story.give_back, scene.story.signup.box["serial"]
    await stage.product.advance_to(scene.story.instant(back.on))
    scene.timeline.happens("clock", f"it is {back.on}")
    await stage.product.rest()
    if scene.is_spoiled:
        await stage.boxes_of(serial).unplug(serial)
    who = stage.technician
    await stage.product.open_job("return", scene.newcomer.contract, who.actor)
    await who.take_back(serial, scene.newcomer.contract)
    scene.timeline.happens(who.name, f"takes box {serial} back at /field/")
    findings = await proven(lambda: _without_box(scene), deadline_s=scene.patience_s)
    if not all(found.is_proven for found in findings):
        return Evidence(findings=findings, state=await scene.state(scene.newcomer))
    stock = await stage.product.restock(serial)
    scene.timeline.found(findings)
    findings += await _charged_less(scene)
    return Evidence(
        findings=findings, state=await scene.state(scene.newcomer), notes={f"box {serial}": stock}
    )


async def mend(scene: Scene) -> Sequence[Finding]:
    """Plug the box in again, so that it can be switched off; then bill the next month."""
    serial = scene.story.signup.box["serial"]
    await scene.stage.boxes_of(serial).plug_in(serial)
    findings = await proven(lambda: _without_box(scene), deadline_s=MENDED_S)
    return [*findings, *await _charged_less(scene)]


async def _without_box(scene: Scene) -> list[Finding]:
    """Find the household on without a box, and the box dark and empty."""
    newcomer = scene.newcomer
    findings = await scene.account_findings(replace(newcomer, mac=""), ON)
    if newcomer.box:
        findings += await scene.own_box(replace(newcomer, box_packages=()), is_on=False)
    return findings


async def _charged_less(scene: Scene) -> list[Finding]:
    """On the next bill day the newcomer pays for what is left, less what was given back."""
    stage, back, newcomer = scene.stage, scene.story.give_back, scene.newcomer
    for line in back.working:
        scene.timeline.happens("by hand", line)
    await stage.provider.tamper("clear_cards")
    scene.timeline.happens("bank", "honours all cards again")
    known = {charge.id for charge in await stage.provider.charges(newcomer.customer)}
    await stage.product.advance_to(scene.story.instant(back.next_on))
    scene.timeline.happens("clock", f"it is {back.next_on}")

    async def look() -> list[Finding]:
        charges = await stage.provider.charges(newcomer.customer)
        found = [f"{one.amount} {one.status}" for one in charges if one.id not in known]
        wanted = [f"{back.next_total} succeeded"]
        return [finding("provider", "next charge", wanted=wanted, found=found)]

    findings = await proven(look)
    if all(found.is_proven for found in findings):
        await stage.product.rest()
        findings = await look()
    return findings
