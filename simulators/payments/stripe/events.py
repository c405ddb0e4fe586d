"""Events that can be looked up, and the endpoints to which they are sent."""

from simulators.payments.stripe.ask import Ask
from simulators.payments.stripe.book import Thing
from simulators.payments.stripe.errors import missing, unknown_object
from simulators.payments.stripe.lists import CURSORS, created_within, page
from simulators.payments.stripe.params import allow, need, text


def get(ask: Ask) -> Thing:
    """Show an event."""
    return ask.book.find(ask.book.events, "event", ask.number)


def list_all(ask: Ask) -> Thing:
    """List events, by type and time."""
    allow(ask.params, (*CURSORS, "type", "types", "created"))
    one, many = text(ask.params, "type"), ask.params.get("types")
    in_time = created_within(ask.params)
    chosen = [
        event
        for event in ask.book.events.values()
        if one in {None, event["type"]}
        and (not isinstance(many, list) or event["type"] in many)
        and in_time(event)
    ]
    return page(chosen, ask.params, "/v1/events")


def create_endpoint(ask: Ask) -> Thing:
    """Add an endpoint; its secret is shown in this answer alone."""
    allow(ask.params, ("url", "enabled_events", "description", "metadata", "api_version"))
    url = need(ask.params, "url")
    types = ask.params.get("enabled_events")
    if not isinstance(types, list) or not types:
        raise missing("enabled_events")
    secret = f"whsec_{ask.book.secret()}"
    endpoint = ask.endpoints.add(ask.book, url, secret, types)
    ask.created(endpoint, "url", "enabled_events")
    return {**endpoint, "secret": secret}


def list_endpoints(ask: Ask) -> Thing:
    """List endpoints."""
    return page(ask.endpoints.shown(), ask.params, "/v1/webhook_endpoints")


def delete_endpoint(ask: Ask) -> Thing:
    """Remove an endpoint."""
    endpoint = ask.endpoints.remove(ask.number)
    if endpoint is None:
        raise unknown_object("webhook endpoint", ask.number)
    ask.journal.effect(ask.call, ask.number, before={"url": endpoint["url"]}, after=None)
    return {"id": ask.number, "object": "webhook_endpoint", "deleted": True}
