"""Step 13: a part of a charge is refunded; what the provider lists is what the books say, to the
cent and charge by charge.

Spoiled: somebody charges a card at the provider by hand, and no message tells of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from demo.portal import ON
from demo.proof import Evidence, Finding, finding
from demo.scene import Scene, proven
from terms.money import Money

Sums = Mapping[str, int]  # in minor units, by the payment's id


async def tell(scene: Scene) -> Evidence:
    """Add up both sides, and show where they differ."""
    stage, one = scene.stage, scene.story.dues.declined
    await _refund(scene)
    if scene.is_spoiled:
        await stage.provider.injure("webhook_drop")
        charge = (await stage.provider.charges(one.customer))[-1]
        await stage.provider.charge_by_hand(one.customer, charge.method, one.total)
        scene.timeline.happens("somebody", f"charges {one.contract} at the provider, unheard")
    await stage.product.rest()
    currency, provider = stage.operator.currency, stage.provider

    async def look() -> list[Finding]:
        (theirs, their_fees), (ours, held, fees) = await _theirs(scene), await _ours(scene)
        differing = [
            f"{key} {theirs.get(key, 0)} and not {ours.get(key, 0)}"
            for key in sorted({*theirs, *ours})
            if theirs.get(key, 0) != ours.get(key, 0)
        ]
        kept = sum(theirs.values())
        return [
            finding("books", "payments that differ", wanted=[], found=differing),
            finding("books", "payments", wanted=len(theirs), found=len(ours)),
            *await scene.account_findings(one, ON),
            finding("provider", "refunds", wanted=1, found=len(await provider.all("refunds"))),
            _sums("fees kept for disputes", their_fees, fees, currency),
            _sums("with the provider", kept - their_fees, held, currency),
        ]

    findings = await proven(look, deadline_s=scene.patience_s)
    return Evidence(findings=findings, state={"movements of money": await _listed(scene)})


async def _refund(scene: Scene) -> None:
    """Give a part of a line of the newest invoice back, so that it is not owed again."""
    one, back = scene.story.dues.declined, scene.story.dues.refund
    charge = (await scene.stage.provider.charges(one.customer))[-1]
    invoices = (await scene.stage.product.account(one.contract))["invoices"]
    body = {
        "payment": charge.intent,
        "line": f"{invoices[0]['number']}.1",
        "amount": back.plain,
        "reason": "a dark evening",
        "reference": "T-1",
    }
    await scene.stage.product.call("POST", f"accounts/{one.contract}/refunds", body=body)
    scene.timeline.happens("staff", f"gives {back} of a line back to {one.contract}")


async def _theirs(scene: Scene) -> tuple[Sums, int]:
    """Read what each payment has brought by the provider's lists, and its fees in all."""
    provider, fees = scene.stage.provider, 0
    sums: Counter[str] = Counter()
    for charge in await provider.charges():
        if charge.status == "succeeded":
            sums[charge.intent] += charge.amount.amount_minor
    for refund in await provider.all("refunds"):
        sums[refund["payment_intent"]] -= refund["amount"]
    for dispute in await provider.all("disputes"):
        for moved in dispute["balance_transactions"]:
            sums[dispute["payment_intent"]] += moved["amount"]
            fees += moved["fee"]
    return sums, fees


async def _ours(scene: Scene) -> tuple[Sums, int, int]:
    """Read the same of the households' payments, and the balances of two books."""
    product, party = scene.stage.product, scene.stage.operator.payments
    sums: Counter[str] = Counter()
    for contract in await scene.stage.portal.statuses():
        for moved in (await product.account(contract))["payments"]:
            if moved["provider"] == party and moved["kind"] != "fee":
                sums[moved["reference"]] += moved["amount"]["amount_minor"]
    books = Counter[str]()
    for row in (await product.call("GET", "books/trial"))["items"]:
        if row["party"] == party:
            books[row["book"]] += row["balance"]["amount_minor"]
    return sums, books["clearing"], books["fees"]


async def _listed(scene: Scene) -> Mapping[str, int]:
    """Count what the provider lists."""
    provider = scene.stage.provider
    return {
        "charges": len(await provider.charges()),
        "refunds": len(await provider.all("refunds")),
        "disputes": len(await provider.all("disputes")),
    }


def _sums(what: str, wanted: int, found: int, currency: str) -> Finding:
    shown = [str(Money(minor, currency)) for minor in (wanted, found)]
    return finding("books", what, wanted=shown[0], found=shown[1])
