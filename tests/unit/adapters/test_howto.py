"""docs/howto/adapter.md runs as it stands: its adapter passes the suite with its harness."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from unittest import SkipTest

import pytest

from gateway.adapters.conformance import CHECKS, AdapterSuite, Harness, metering
from gateway.adapters.sdk import Adapter, UsePage
from tests.fixtures.howto import BLOCKS, FOLDER

Spoil = Callable[[UsePage, str], UsePage]
METERING = {name for name, one in CHECKS.items() if one.run.__module__ == metering.__name__}
# A folder has no wire, no journal, no pages, no messages, and takes whatever it is given.
NO_CONCERN = {
    "a_device_of_another_account_is_a_conflict",
    "a_foreign_account_is_not_adopted",
    "a_hostile_key_reaches_nobody",
    "a_lost_answer_while_changing",
    "a_lost_answer_while_creating",
    "a_lost_answer_while_removing",
    "a_message_arrives_exactly_once",
    "a_message_whose_answer_is_lost_is_not_repeated",
    "an_edge_for_an_absent_account_is_an_error",
    "an_edge_leaves_the_state_alone",
    "an_empty_message_is_not_sent",
    "an_unknown_action_is_unsupported",
    "an_unknown_package_is_named",
    "an_unknown_tariff_is_named",
    "scan_is_complete",
    # ... and this one does not count what is used.
    *METERING,
    "twice_is_once",
}


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """Return what the page's code makes."""
    return FOLDER


@pytest.fixture(scope="module")
def harness(page: ModuleType) -> Iterator[Harness]:
    """Start the page's target."""
    assert issubclass(page.TestFolder, AdapterSuite)
    assert issubclass(page.Folder, Adapter)
    page.TestFolder.setup_class()
    yield page.TestFolder.harness
    page.TestFolder.teardown_class()


def test_the_adapter_has_twelve_lines() -> None:
    """The page promises twelve lines and keeps to them, none too long to read."""
    lines = BLOCKS["adapter"].splitlines()
    assert len(lines) == 12
    assert max(map(len, lines)) <= 110


def test_the_harness_is_short() -> None:
    """A harness is about thirty-five lines of code."""
    lines = [line for line in BLOCKS["harness"].splitlines() if line.strip()]
    assert len(lines) <= 45


@pytest.mark.parametrize("name", CHECKS)
async def test_the_adapter_passes(harness: Harness, name: str) -> None:
    """Each check of the suite holds for the page's adapter, or does not concern a folder."""
    if name.startswith("fault_") or name in NO_CONCERN:
        with pytest.raises(SkipTest):
            await CHECKS[name].run(harness)
    else:
        await CHECKS[name].run(harness)


@pytest.fixture(scope="module")
def meter(page: ModuleType) -> Iterator[Harness]:
    """Start the page's target that counts."""
    harness: Harness = page.MeteredHarness()
    harness.start()
    yield harness
    harness.stop()


@pytest.mark.parametrize("name", sorted(METERING))
async def test_the_adapter_that_counts_passes(meter: Harness, name: str) -> None:
    """Each check of usage holds for the page's adapter that counts."""
    await CHECKS[name].run(meter)


def _told_twice(found: UsePage, since: str) -> UsePage:
    """Tell the last one again behind its cursor."""
    return replace(found, cursor=str(max(int(found.cursor) - 1, int(since or 0))))


def _by_place(found: UsePage, _since: str) -> UsePage:
    """Take the place in a page for an id."""
    return replace(found, uses=[replace(one, id=str(n)) for n, one in enumerate(found.uses)])


def _first_page(found: UsePage, _since: str) -> UsePage:
    """Never go on."""
    return replace(found, has_more=False)


def _loses_one(found: UsePage, _since: str) -> UsePage:
    """Drop the last one of a page."""
    return replace(found, uses=found.uses[:-1])


def _as_float(found: UsePage, _since: str) -> UsePage:
    """Tell numbers as a float is written."""
    return replace(found, uses=[replace(one, quantity="5e-1") for one in found.uses])


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (_told_twice, "a_cursor_goes_on_where_it_was"),
        (_by_place, "a_cursor_goes_on_where_it_was"),
        (_first_page, "usage_is_told_in_pages"),
        (_loses_one, "every_use_is_told_once"),
        (_as_float, "every_use_is_told_once"),
    ],
)
async def test_an_adapter_that_counts_wrongly_is_found(
    meter: Harness, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, name: str
) -> None:
    """An adapter with one of these mistakes fails the check that is meant to find it."""
    honest = FOLDER.Metered.usage

    async def usage(self: Adapter, since: str) -> UsePage:
        return spoil(await honest(self, since), since)

    monkeypatch.setattr(FOLDER.Metered, "usage", usage)
    with pytest.raises(AssertionError):
        await CHECKS[name].run(meter)


async def test_an_adapter_that_remembers_its_cursor_is_found(
    meter: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that goes on from where it was, whatever it is asked, loses what is asked again."""
    honest, kept = FOLDER.Metered.usage, dict[int, str]()

    async def usage(self: Adapter, since: str) -> UsePage:
        found = await honest(self, kept.get(id(self), since))
        kept[id(self)] = found.cursor
        return found

    monkeypatch.setattr(FOLDER.Metered, "usage", usage)
    with pytest.raises(AssertionError, match="the same cursor told something else"):
        await CHECKS["the_same_cursor_tells_the_same_uses"].run(meter)
