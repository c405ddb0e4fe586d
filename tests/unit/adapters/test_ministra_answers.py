"""Whatever a portal answers, the adapter raises errors of ours or holds a state."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.sdk import Action, Answer, Catalogued, Health
from gateway.adapters.state import ViewerState
from terms.errors import Permanent, Retryable, TargetError
from tests.unit.adapters.door import Recorder, adapter, ok

FIELDS = (
    *("login", "account_number", "stb_mac", "status", "tariff_plan", "subscribed", "comment"),
    *("full_name", "end_date", "external_id", "packages", "optional", "name"),
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(FIELDS, inner),
        )
    ),
    max_leaves=12,
)
YES, NO = ok(results=True), ok(results=False)
WISH = ViewerState(
    ref="1001",
    enabled=True,
    tariff="basic",
    packages=frozenset({"sport"}),
    devices=frozenset({"00:1A:79:00:00:01"}),
)


async def everything(answer: Answer) -> None:
    """Let every verb meet the answer; only errors of ours may come out."""
    one = adapter(Recorder(lambda _, __: answer), internal_billing=True)
    held = ViewerState(ref="1001", enabled=False, tariff="x", vendor={"1001": "", "1001-2": "zz"})
    acts = [one.probe, one.catalog]
    acts += [lambda: one.observe("1001"), lambda: one.remove("1001"), lambda: one.remove("AB1")]
    acts += [lambda: one.apply(WISH, None), lambda: one.apply(WISH, held)]
    acts += [lambda: one.perform("1001", Action(name="reboot"))]
    for act in (*acts, lambda: _scanned(one)):
        with contextlib.suppress(TargetError):
            await act()


async def _scanned(one: Any) -> None:
    async for _ in one.scan():
        pass


@given(JUNK)
def test_any_results_are_met(results: Any) -> None:
    """Results of any shape end as a state or as an error of ours, never as another one."""
    asyncio.run(everything(ok(results)))


@given(st.lists(JUNK, max_size=2))
def test_any_rows_are_met(rows: list[Any]) -> None:
    """Rows of any shape do, too."""
    asyncio.run(everything(ok(rows)))


@given(st.sampled_from([200, 204, 302, 404, 418, 500]), st.binary(max_size=60))
def test_any_bytes_are_met(status: int, body: bytes) -> None:
    """So do bytes of any kind under any status."""
    asyncio.run(everything(Answer(status=status, headers={}, body=body)))


async def test_only_subscriptions_are_believed_to_be_applied_all_the_same() -> None:
    """The old portals' wrong answer is known of one resource; elsewhere it is no answer."""
    text = Answer(status=200, headers={}, body=b"Unauthorized request.")

    def reply(method: str, url: str) -> Answer:
        return text if "account_subscription" in url else YES

    await adapter(Recorder(reply)).apply(WISH, None)
    with pytest.raises(Retryable):
        await adapter(Recorder(lambda _, __: text)).apply(WISH, None)


async def test_an_edge_that_is_not_taken_is_permanent() -> None:
    """False from send_event means that nothing will happen."""
    door = Recorder(lambda _, __: NO)
    with pytest.raises(Permanent, match="did not take the reboot"):
        await adapter(door).perform("1001", Action(name="reboot"))


async def test_a_portal_without_tariffs_is_warned_of() -> None:
    """An empty list of tariffs points at the switch that hides them."""
    health = await adapter(Recorder(lambda _, __: ok([]))).probe()
    assert isinstance(health, Health)
    assert [w for w in health.warnings if "enable_tariff_plans" in w]


async def test_a_failed_refresh_does_not_fail_the_change() -> None:
    """An event that the portal does not take leaves the written state alone."""

    def reply(method: str, url: str) -> Answer:
        return NO if "send_event" in url else YES

    door = Recorder(reply)
    held = ViewerState(
        ref="1001",
        enabled=True,
        tariff="premium",
        devices=WISH.devices,
        vendor={"1001": "00:1A:79:00:00:01"},
    )
    await adapter(door).apply(WISH, held)
    assert [url.split("/v1/")[1] for _, url in door.calls] == [
        "accounts/1001",
        "account_subscription/1001",
        "send_event/1001",
    ]


@pytest.mark.parametrize("ttl_s", ["0", "-1", "1.5", "604801", "9" * 30, "\u0661", "", "soon"])
async def test_a_senseless_time_to_live_is_refused(ttl_s: str) -> None:
    """A message lives a whole number of seconds, up to a week."""
    door = Recorder()
    action = Action(name="message", params={"text": "Hello", "ttl_s": ttl_s})
    with pytest.raises(Permanent):
        await adapter(door).perform("1001", action)
    assert door.calls == []


def test_the_abilities_are_declared() -> None:
    """A portal has a catalogue."""
    assert isinstance(adapter(), Catalogued)
