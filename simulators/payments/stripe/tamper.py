"""Operations of the admin face: how cards behave, disputes, endpoints, deliveries once more."""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.journal import Journal
from simulators.payments.stripe import refunds
from simulators.payments.stripe.book import Book, Thing
from simulators.payments.stripe.cards import checked, rule_from
from simulators.payments.stripe.charging import DISPUTE_FEE, Cashier, shown_method
from simulators.payments.stripe.checkout import settled
from simulators.payments.stripe.webhooks import Deliveries, Endpoints
from simulators.simulator import BadOperation


class Tampering:
    """The operations on one provider."""

    def __init__(
        self,
        book: Book,
        cashier: Cashier,
        endpoints: Endpoints,
        deliveries: Deliveries,
        journal: Journal,
    ) -> None:
        self._book = book
        self._cashier = cashier
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._journal = journal
        self._operations: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "card": self._card,
            "clear_cards": self._clear_cards,
            "settle": self._settle,
            "dispute": self._dispute,
            "escalate": self._escalate,
            "close_dispute": self._close_dispute,
            "fail_refund": self._fail_refund,
            "webhook": self._webhook,
            "redeliver": self._redeliver,
            "renew": self._renew,
        }

    def operate(self, operation: Mapping[str, Any]) -> Any:
        """Do the operation named by `op`."""
        name = str(operation.get("op", ""))
        if name not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise BadOperation(f"unknown operation {name!r}; known: {known}")
        return self._operations[name](operation)

    def _card(self, operation: Mapping[str, Any]) -> Any:
        """Add a rule; an older one with the same selector goes."""
        rule = rule_from(operation)
        keep = [r for r in self._cashier.rules if _selector(r.shown()) != _selector(rule.shown())]
        self._cashier.rules[:] = [*keep, rule]
        self._note("card", rule.customer or rule.email or "*", rule.shown())
        return [one.shown() for one in self._cashier.rules]

    def _clear_cards(self, _: Mapping[str, Any]) -> Any:
        self._cashier.rules.clear()
        self._note("clear_cards", "*", {"rules": 0})
        return []

    def _settle(self, operation: Mapping[str, Any]) -> Any:
        """Decide an intent that is processing: behaviour ok or decline:CODE."""
        intent = self._thing(self._book.intents, operation["payment_intent"])
        if intent["status"] != "processing":
            raise BadOperation(f"{intent['id']} is {intent['status']}")
        self._cashier.settle(intent, checked(str(operation.get("behaviour", "ok"))))
        settled(self._book, intent)
        self._note("settle", intent["id"], {"status": intent["status"]})
        return intent["status"]

    def _dispute(self, operation: Mapping[str, Any]) -> Any:
        intent = self._thing(self._book.intents, operation["payment_intent"])
        if intent["status"] != "succeeded":
            raise BadOperation(f"{intent['id']} was not paid")
        charge = self._book.charges[intent["latest_charge"]]
        reason = str(operation.get("reason", "fraudulent"))
        if operation.get("inquiry"):
            dispute = self._cashier.inquire(charge, reason)
        else:
            fee = int(operation.get("fee", DISPUTE_FEE))
            dispute = self._cashier.dispute(charge, reason, fee)
        self._note("dispute", intent["id"], {"dispute": dispute["id"]})
        return dispute

    def _escalate(self, operation: Mapping[str, Any]) -> Any:
        """Let an inquiry, closed or not, become a dispute."""
        dispute = self._thing(self._book.disputes, operation["dispute"])
        if not dispute["status"].startswith("warning_"):
            raise BadOperation(f"{dispute['id']} is no inquiry: {dispute['status']}")
        self._cashier.escalate(dispute, int(operation.get("fee", DISPUTE_FEE)))
        self._note("escalate", dispute["id"], {"status": dispute["status"]})
        return dispute

    def _close_dispute(self, operation: Mapping[str, Any]) -> Any:
        dispute = self._thing(self._book.disputes, operation["dispute"])
        ends = {"warning_closed"} if dispute["is_charge_refundable"] else {"won", "lost"}
        status = str(operation.get("status", min(ends)))
        if status not in ends:
            raise BadOperation(f"{dispute['id']} is closed as {' or '.join(sorted(ends))}")
        self._cashier.close_dispute(dispute, status, int(operation.get("fee_returned", 0)))
        self._note("close_dispute", dispute["id"], {"status": status})
        return dispute

    def _fail_refund(self, operation: Mapping[str, Any]) -> Any:
        refund = self._thing(self._book.refunds, operation["refund"])
        if refund["status"] != "succeeded":
            raise BadOperation(f"{refund['id']} is {refund['status']}")
        refunds.fail(self._book, refund, str(operation.get("reason", "lost_or_stolen_card")))
        self._note("fail_refund", refund["id"], {"status": refund["status"]})
        return refund

    def _webhook(self, operation: Mapping[str, Any]) -> Any:
        """Make the endpoint given the only one."""
        self._endpoints.clear()
        types = list(operation.get("enabled_events", ["*"]))
        thing = self._endpoints.add(
            self._book, str(operation["url"]), str(operation["secret"]), types
        )
        self._note("webhook", thing["id"], {"url": thing["url"]})
        return thing

    def _redeliver(self, operation: Mapping[str, Any]) -> Any:
        event = self._thing(self._book.events, operation["event"])
        copies = int(operation.get("copies", 1))
        self._deliveries.repeat(event, copies)
        return copies

    def _renew(self, operation: Mapping[str, Any]) -> Any:
        """Let the bank send a new card: the provider learns its month by itself."""
        method = self._thing(self._book.methods, operation["payment_method"])
        card = method["card"]
        card.update(
            exp_month=int(operation["exp_month"]),
            exp_year=int(operation["exp_year"]),
            last4=str(operation.get("last4", card["last4"])),
        )
        self._book.emit("payment_method.automatically_updated", shown_method(method))
        self._note("renew", method["id"], {"card": dict(card)})
        return shown_method(method)

    def _thing(self, table: Mapping[str, Thing], number: Any) -> Thing:
        found = table.get(str(number))
        if found is None:
            raise BadOperation(f"nothing has the id {number!r}")
        return found

    def _note(self, name: str, subject: str, after: Mapping[str, Any]) -> None:
        self._journal.event(f"TAMPER {name}", subject, face="admin", after=after)


def _selector(rule: Mapping[str, Any]) -> Any:
    return {key: value for key, value in rule.items() if key != "behaviours"}
