"""/debits/report: what a bank says was refused or went back, and what nothing became of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.desk import debits
from app.web.api.banking import BODY_BYTES_MAX, StatementBody, in_pieces
from app.web.api.shapes import Amount
from app.web.api.ways import change
from app.web.route import Call
from billing.flows.debits.back import Heard, Other
from runtime.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitOfOtherAmount:
    """A debit of ours of which a report has another amount: nothing became of it."""

    mark: str
    ours: Amount
    said: Amount

    @classmethod
    def of(cls, one: Other) -> DebitOfOtherAmount:
        """Show it."""
        return cls(mark=one.mark, ours=Amount.of(one.ours), said=Amount.of(one.said))


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitUnclear:
    """What a report says of a debit, a block or a batch that is not understood."""

    mark: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitsHeard:
    """What a report came to; `unknown` are marks of no debit of ours.

    Of `others` and of what is `unclear` nothing became: ask the bank.
    """

    new: int
    known: int
    unknown: list[str]
    others: list[DebitOfOtherAmount]
    unclear: list[DebitUnclear]

    @classmethod
    def of(cls, one: Heard) -> DebitsHeard:
        """Show it."""
        return cls(
            new=one.new,
            known=one.known,
            unknown=list(one.unknown),
            others=[DebitOfOtherAmount.of(each) for each in one.others],
            unclear=[DebitUnclear(mark=each.mark, said=each.said) for each in one.unclear],
        )


async def hear(call: Call, tx: Tx) -> DebitsHeard:
    """Take up a report of the bank, pain.002 or CAMT.054, cut wherever it suits."""
    body: StatementBody = call.body
    data = "".join(body.pieces).encode()
    with in_pieces():
        return DebitsHeard.of(await debits.hear(call.house, tx, data, actor=call.actor))


REPORT = replace(
    change("debits/report", hear, DebitsHeard, body=StatementBody),
    body_bytes_max=BODY_BYTES_MAX,
)
