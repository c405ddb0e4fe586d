"""After a step that was spoiled: what spoiled it is undone, and the next one can be told.

A renewal that was paid cannot be undone, and after the last step nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.portal import ON
from demo.proof import Finding
from demo.provider import GOOD_CARD
from demo.scene import Scene, proven


async def repair(scene: Scene) -> Sequence[Finding]:
    """Have the portal compared with what it should hold, which darkens the newcomer again."""
    await scene.stage.product.scan(scene.stage.operator.target)
    return await proven(scene.newcomer_dark)


async def pay_after_all(scene: Scene) -> Sequence[Finding]:
    """Have the newcomer pay at the provider's page what the bank had declined."""
    await scene.pay(scene.newcomer, GOOD_CARD)
    return await proven(scene.newcomer_lit)


async def take_writes_again(scene: Scene) -> Sequence[Finding]:
    """Have the portal take writes again, and a person release the rows that it had refused."""
    await scene.stage.portal.heal()
    await scene.stage.product.rest()
    await scene.stage.product.release_parked()
    return await proven(scene.newcomer_lit)


async def bring_back(scene: Scene) -> Sequence[Finding]:
    """Bring the portal back."""
    await scene.stage.portal.heal()

    async def look() -> list[Finding]:
        return [
            found
            for debtor in scene.story.debtors
            for found in await scene.account_findings(debtor, ON)
        ]

    return await proven(look)
