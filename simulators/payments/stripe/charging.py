"""Charges a card: decides by rules and test cards what happens, and writes charge and intent."""

from dataclasses import dataclass
from typing import Any

from simulators.payments.stripe.book import Book, Thing, copy_of
from simulators.payments.stripe.cards import MESSAGES, OWN_CODES, TOKENS, Rule
from simulators.payments.stripe.errors import ApiError

DISPUTE_FEE = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a charge came to; `is_lost` means that the caller must not hear of it."""

    error: ApiError | None = None
    is_lost: bool = False


class Cashier:
    """Charges cards of the book, by the rules an admin has set (the newest first)."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.rules: list[Rule] = []

    def charge(self, intent: Thing, key: str | None) -> Outcome:
        """Charge the card of an intent and emit what follows from it."""
        method = self._book.methods[intent["payment_method"]]
        behaviour = self._behaviour(intent, method)
        if behaviour == "processing":
            self._charge(intent, "pending")
            intent["status"] = "processing"
            self._book.emit("payment_intent.processing", intent, key)
            return Outcome()
        if behaviour in {"ok", "lost", "dispute", "inquiry"}:
            self._succeed(intent, self._charge(intent, "succeeded"), key)
            if behaviour == "dispute":
                self.dispute(self._book.charges[intent["latest_charge"]], "fraudulent")
            if behaviour == "inquiry":
                self.inquire(self._book.charges[intent["latest_charge"]], "fraudulent")
            return Outcome(is_lost=behaviour == "lost")
        return Outcome(error=self._decline(intent, behaviour.removeprefix("decline:"), key))

    def settle(self, intent: Thing, behaviour: str) -> None:
        """Decide an intent that is still processing."""
        charge = self._book.charges[intent["latest_charge"]]
        if behaviour == "ok":
            charge.update(status="succeeded", paid=True, captured=True)
            charge["amount_captured"] = charge["amount"]
            self._succeed(intent, charge, None)
        else:
            code = behaviour.removeprefix("decline:")
            _fail(charge, code)
            self._fail_intent(intent, charge, code, None)

    def dispute(self, charge: Thing, reason: str, fee: int = DISPUTE_FEE) -> Thing:
        """Open a dispute about a charge; its amount and a fee are taken at once."""
        dispute = self._open(charge, reason, "needs_response")
        self._withdraw(dispute, fee)
        return dispute

    def inquire(self, charge: Thing, reason: str) -> Thing:
        """Let the payer's bank ask about a charge; no money moves."""
        return self._open(charge, reason, "warning_needs_response")

    def escalate(self, dispute: Thing, fee: int = DISPUTE_FEE) -> None:
        """Turn an inquiry into a dispute: now its amount and a fee are taken."""
        dispute.update(status="needs_response", is_charge_refundable=False)
        self._book.emit("charge.dispute.updated", dispute)
        self._withdraw(dispute, fee)

    def _open(self, charge: Thing, reason: str, status: str) -> Thing:
        dispute = self._book.new(
            "du",
            "dispute",
            amount=charge["amount"] - charge["amount_refunded"],
            charge=charge["id"],
            currency=charge["currency"],
            metadata={},
            payment_intent=charge["payment_intent"],
            is_charge_refundable=status.startswith("warning_"),
            reason=reason,
            status=status,
            balance_transactions=[],
        )
        self._book.disputes[dispute["id"]] = dispute
        charge["disputed"] = True
        self._book.emit("charge.dispute.created", dispute)
        return dispute

    def _withdraw(self, dispute: Thing, fee: int) -> None:
        self._transact(dispute, -dispute["amount"], fee)
        self._book.emit("charge.dispute.funds_withdrawn", dispute)

    def close_dispute(self, dispute: Thing, status: str, fee_returned: int = 0) -> None:
        """Close a dispute as won or lost; won, its fee may come back too. An inquiry just ends."""
        dispute["status"] = status
        if status == "won":
            self._transact(dispute, dispute["amount"], -fee_returned)
            self._book.emit("charge.dispute.funds_reinstated", dispute)
        self._book.emit("charge.dispute.closed", dispute)

    def _transact(self, dispute: Thing, amount: int, fee: int) -> None:
        """Note what moved in our balance because of a dispute."""
        transaction = self._book.new(
            "txn",
            "balance_transaction",
            amount=amount,
            currency=dispute["currency"],
            fee=fee,
            net=amount - fee,
            reporting_category="dispute" if amount < 0 else "dispute_reversal",
            source=dispute["id"],
            type="adjustment",
        )
        dispute["balance_transactions"].append(transaction)

    def _behaviour(self, intent: Thing, method: Thing) -> str:
        customer = self._book.customers.get(intent["customer"] or "")
        for rule in reversed(self.rules):
            if rule.fits(customer, method):
                return rule.next_behaviour()
        return TOKENS[method["_token"]][0]

    def _charge(self, intent: Thing, status: str) -> Thing:
        paid = status == "succeeded"
        charge = self._book.new(
            "ch",
            "charge",
            amount=intent["amount"],
            amount_captured=intent["amount"] if paid else 0,
            amount_refunded=0,
            captured=paid,
            currency=intent["currency"],
            customer=intent["customer"],
            disputed=False,
            failure_code=None,
            failure_message=None,
            metadata=copy_of(intent["metadata"]),
            outcome=None,
            paid=paid,
            payment_intent=intent["id"],
            payment_method=intent["payment_method"],
            refunded=False,
            status=status,
        )
        self._book.charges[charge["id"]] = charge
        intent["latest_charge"] = charge["id"]
        return charge

    def _succeed(self, intent: Thing, charge: Thing, key: str | None) -> None:
        intent.update(status="succeeded", amount_received=intent["amount"], last_payment_error=None)
        charge["outcome"] = {"network_status": "approved_by_network", "type": "authorized"}
        self._book.emit("charge.succeeded", charge, key)
        self._book.emit("payment_intent.succeeded", intent, key)

    def _decline(self, intent: Thing, code: str, key: str | None) -> ApiError:
        charge = self._charge(intent, "failed")
        _fail(charge, code)
        return self._fail_intent(intent, charge, code, key)

    def _fail_intent(self, intent: Thing, charge: Thing, code: str, key: str | None) -> ApiError:
        method = self._book.methods[charge["payment_method"]]
        error: dict[str, Any] = {
            "charge": charge["id"],
            "code": code if code in OWN_CODES else "card_declined",
            "decline_code": code,
            "message": _words(code),
            "payment_method": shown_method(method),
            "type": "card_error",
        }
        intent.update(
            status="requires_payment_method", last_payment_error=error, payment_method=None
        )
        self._book.emit("payment_intent.payment_failed", intent, key)
        return ApiError(402, {**error, "payment_intent": copy_of(intent)})


def shown_method(method: Thing) -> Thing:
    """Show a payment method without what only the simulator knows of it."""
    return {key: value for key, value in method.items() if not key.startswith("_")}


def _fail(charge: Thing, code: str) -> None:
    charge.update(
        status="failed",
        failure_code=code if code in OWN_CODES else "card_declined",
        failure_message=_words(code),
        outcome={
            "network_status": "declined_by_network",
            "reason": code,
            "type": "issuer_declined",
        },
    )


def _words(code: str) -> str:
    return MESSAGES.get(code, MESSAGES["generic_decline"])
