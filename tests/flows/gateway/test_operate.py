"""Edges are done at most once."""

import asyncio

import pytest
from sqlalchemy import select

from gateway.adapters.sdk import Action
from gateway.provisioning.operate import Operate
from gateway.provisioning.orders import Outcome
from gateway.provisioning.tables import service_order
from terms.entitlement import ServiceState
from terms.ids import ServiceId
from tests.flows.gateway.world import World

S1 = ServiceId("s1")
MESSAGE = Action(name="message", params={"text": "Please pay by Friday."})


async def lit(world: World) -> Operate:
    """Have one account lit."""
    await world.sign_up("s1")
    await world.rights(["s1"], ServiceState.ACTIVE, "BASIC", revision=1)
    await world.work_through()
    return Operate(world.work, world.targets)


async def heard(world: World) -> list[str]:
    """The messages that wait for the household's box."""
    return [event["msg"] for event in (await world.account("s1"))["events"] if event["msg"]]


async def test_message_is_shown_once(world: World):
    """The same request many times, even at the same time, shows one message."""
    operate = await lit(world)
    told = await asyncio.gather(*(operate.perform(S1, MESSAGE, id="n1") for _ in range(5)))
    outcomes = [one.outcome for (one,) in told]
    assert Outcome.DONE in outcomes
    assert set(outcomes) <= {Outcome.DONE, Outcome.OPEN}
    again = await operate.perform(S1, MESSAGE, id="n1")
    assert [one.outcome for one in again] == [Outcome.DONE]
    assert (await heard(world)).count(MESSAGE.params["text"]) == 1
    rows = await world.rows(select(service_order).where(service_order.c.cause == "message"))
    assert [row.outcome for row in rows] == ["done"]


async def test_lost_answer_is_not_asked_again(small_world: World):
    """A message whose answer is lost stays unknown; it was shown at most once."""
    world = small_world
    operate = await lit(world)
    await world.portal.aadmin("/faults", {"spec": "lost:match=POST stb_msg:count=1"})
    first = await operate.perform(S1, MESSAGE, id="n1")
    second = await operate.perform(S1, MESSAGE, id="n1")
    assert [first[0].outcome, second[0].outcome] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert (await heard(world)).count(MESSAGE.params["text"]) == 1


@pytest.mark.parametrize(
    "fault",
    [
        *("half:connection", "half:json", "huge:3MB", "error:500", "error:503"),
        *("garbage:fatal", "garbage:login", "throttled:1"),
    ],
)
async def test_message_with_a_spoilt_answer_is_shown_once(small_world: World, fault: str):
    """Whatever answer comes back after a message was shown, it is not shown a second time."""
    world = small_world
    operate = await lit(world)
    spec = f"{fault}:applied=yes:match=POST stb_msg:count=1"
    await world.portal.aadmin("/faults", {"spec": spec})
    first = await operate.perform(S1, MESSAGE, id="n1")
    second = await operate.perform(S1, MESSAGE, id="n1")
    assert [first[0].outcome, second[0].outcome] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert (await heard(world)).count(MESSAGE.params["text"]) == 1


async def test_refused_message_may_be_tried_again(small_world: World):
    """Where the target refused, nothing happened, and the same request may be made again."""
    world = small_world
    operate = await lit(world)
    await world.portal.aadmin("/faults", {"spec": "refused:match=POST stb_msg:count=1"})
    first = await operate.perform(S1, MESSAGE, id="n1")
    assert first[0].outcome is Outcome.FAILED
    second = await operate.perform(S1, MESSAGE, id="n1")
    assert second[0].outcome is Outcome.DONE
    assert (await heard(world)).count(MESSAGE.params["text"]) == 1


async def test_unknown_action_and_unknown_service_do_nothing(small_world: World):
    """An action the target lacks fails with its reason; a service nobody knows has no target."""
    world = small_world
    operate = await lit(world)
    told = await operate.perform(S1, Action(name="dance"), id="n2")
    assert told[0].outcome is Outcome.FAILED
    assert "dance" in told[0].error
    assert await operate.perform(ServiceId("s99"), MESSAGE, id="n3") == []
