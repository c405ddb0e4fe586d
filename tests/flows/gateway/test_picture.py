"""Rights become what the portal holds."""

from sqlalchemy import select

from gateway.provisioning.tables import observed, service_order, wish
from runtime.log import log_entry
from terms.entitlement import ServiceState
from tests.flows.gateway.world import World


async def test_payment_turns_the_picture_on(world: World):
    """A signed-up service is dark at the portal, a paid one has its tariff, package and box."""
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.PENDING, "BASIC", "SPORT", revision=1)
    await world.work_through()
    account = await world.account("s1")
    assert account is not None
    assert account["status"] == 0
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", "SPORT", revision=2)
    await world.work_through()
    account = await world.account("s1")
    assert account is not None
    assert (account["status"], account["tariff_plan"]) == (1, "basic")
    assert account["subscribed"] == ["sport"]
    assert account["stb_mac"] == world.mac("s1")
    wished, seen = (await world.rows(select(wish)))[0], (await world.rows(select(observed)))[0]
    assert (wished.revision, seen.revision, seen.enabled) == (2, 2, True)
    orders = await world.rows(select(service_order).order_by(service_order.c.started_at))
    assert [order.outcome for order in orders] == ["done", "done"]
    facts = await world.rows(select(log_entry).where(log_entry.c.kind == "service.state_changed"))
    assert len(facts) == 2
