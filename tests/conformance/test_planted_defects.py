"""The suite finds every planted defect at the check meant for it, and none in the original."""

import re
from collections.abc import Iterator

import pytest

from billing.payments.conformance import ProviderSuite
from billing.payments.provider import Provider
from gateway.adapters.conformance import CHECKS
from gateway.adapters.sdk import Adapter
from terms.errors import BoxofficeError, TargetError
from tests.conformance import box_defects, provider_defects
from tests.conformance.defects import DEFECTS
from tests.conformance.harness_ministra import MinistraHarness
from tests.conformance.harness_ssh import SshHarness
from tests.conformance.harness_stripe import StripeHarness

# What no mistake of one verb shows.
IDLE = {
    "test_a_page_to_pay_on_has_an_address",
    "test_a_refund_that_never_arrived_is_missing",
    "test_an_event_tells_the_same_whenever_it_is_taken_up",
    "test_what_concerns_no_money_tells_nothing",
}


class Planted(MinistraHarness):
    """The portal met by another class than the registered one, while `planted` is set."""

    planted: type[Adapter] | None = None

    def adapter_class(self) -> type[Adapter]:
        """Give the planted class."""
        return self.planted or super().adapter_class()


@pytest.fixture(scope="module")
def harness() -> Iterator[Planted]:
    """Start one portal for all defects."""
    planted = Planted("5.1.1")
    planted.start()
    yield planted
    planted.stop()


@pytest.mark.parametrize("name", sorted({one.caught_by for one in DEFECTS.values()}))
async def test_the_adapter_itself_passes(harness: Planted, name: str) -> None:
    """The unmodified adapter passes each of the checks that find a defect."""
    harness.planted = None
    await CHECKS[name].run(harness)


@pytest.mark.parametrize("name", DEFECTS)
async def test_a_planted_defect_is_found(harness: Planted, name: str) -> None:
    """An adapter with this defect fails the check that is meant to find it."""
    harness.planted = DEFECTS[name].adapter
    shows = re.escape(DEFECTS[name].shows)
    with pytest.raises((AssertionError, TargetError), match=shows):
        await CHECKS[DEFECTS[name].caught_by].run(harness)


def test_there_are_enough_defects() -> None:
    """At least twenty-four ways to be wrong are planted."""
    assert len(DEFECTS) >= 24


class PlantedBoxes(SshHarness):
    """A rack met by another class than the registered one, while `planted` is set."""

    planted: type[Adapter] | None = None

    def adapter_class(self) -> type[Adapter]:
        """Give the planted class."""
        return self.planted or super().adapter_class()


@pytest.fixture(scope="module")
def rack() -> Iterator[PlantedBoxes]:
    """Start one rack for all defects."""
    planted = PlantedBoxes()
    planted.start()
    yield planted
    planted.stop()


@pytest.mark.parametrize("name", box_defects.DEFECTS)
async def test_a_planted_defect_of_boxes_is_found(rack: PlantedBoxes, name: str) -> None:
    """The adapter of boxes passes the check, and with this defect it fails it."""
    defect = box_defects.DEFECTS[name]
    rack.planted = None
    await CHECKS[defect.caught_by].run(rack)
    rack.planted = defect.adapter
    with pytest.raises((AssertionError, TargetError), match=re.escape(defect.shows)):
        await CHECKS[defect.caught_by].run(rack)


class PlantedProvider(StripeHarness):
    """A provider met by another class than the registered one, while `planted` is set."""

    planted: type[Provider] | None = None

    def provider_class(self) -> type[Provider]:
        """Give the planted class."""
        return self.planted or super().provider_class()


@pytest.fixture(scope="module")
def payments() -> Iterator[PlantedProvider]:
    """Start one provider for all defects."""
    planted = PlantedProvider()
    planted.start()
    yield planted
    planted.stop()


@pytest.mark.parametrize("name", provider_defects.DEFECTS)
async def test_a_planted_defect_of_providers_is_found(payments: PlantedProvider, name: str) -> None:
    """A provider with this defect fails the check that is meant to find it."""
    defect = provider_defects.DEFECTS[name]
    suite = ProviderSuite()
    suite.harness = payments  # type: ignore[misc]
    payments.planted = defect.provider
    with pytest.raises((AssertionError, BoxofficeError)):
        await getattr(suite, defect.caught_by)()


def test_every_check_of_providers_finds_a_defect() -> None:
    """No check of the suite is idle but the one of the page, which a provider may lack."""
    checks = {name for name in dir(ProviderSuite) if name.startswith("test_")}
    idle = checks - {one.caught_by for one in provider_defects.DEFECTS.values()}
    assert idle <= IDLE
