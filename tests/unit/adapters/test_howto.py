"""docs/howto/adapter.md runs as it stands: its adapter passes the suite with its harness."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

import pytest

from gateway.adapters.conformance import CHECKS, AdapterSuite, Harness
from gateway.adapters.sdk import Adapter

PAGE = Path("docs/howto/adapter.md").read_text()
BLOCKS = dict(re.findall(r"^```python (\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
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
    "twice_is_once",
}


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """Run the page's code in one module: its parts, its adapter, its harness."""
    module = ModuleType("howto")
    for name in ("parts", "adapter", "harness"):
        exec(compile(BLOCKS[name], f"docs/howto/adapter.md {name}", "exec"), vars(module))  # noqa: S102 - running it is the point
    return module


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
