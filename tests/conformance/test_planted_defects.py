"""The suite finds every planted defect at the check meant for it, and none in the original."""

import re
from collections.abc import Iterator, Mapping

import pytest

from billing.payments.conformance import Harness as ProviderHarness
from billing.payments.conformance import ProviderSuite
from billing.payments.provider import Provider
from billing.payments.providers.gocardless import Gocardless
from billing.payments.providers.stripe import Stripe
from gateway.adapters.conformance import CHECKS
from gateway.adapters.sdk import Adapter
from terms.errors import BoxofficeError, TargetError
from tests.conformance import box_defects, provider_defects
from tests.conformance.defects import DEFECTS
from tests.conformance.harness_gocardless import GocardlessHarness
from tests.conformance.harness_ministra import MinistraHarness
from tests.conformance.harness_ssh import SshHarness
from tests.conformance.harness_stripe import StripeHarness

# What no mistake of one verb shows.
IDLE = {
    "test_a_page_to_pay_on_has_an_address",
    "test_a_refund_that_never_arrived_is_missing",
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


@pytest.fixture(scope="module")
def payments() -> Iterator[Mapping[type[Provider], ProviderHarness]]:
    """Start one provider of each kind for all its defects."""
    harnesses = {Stripe: StripeHarness(), Gocardless: GocardlessHarness()}
    for one in harnesses.values():
        one.start()
    yield harnesses
    for one in harnesses.values():
        one.stop()


@pytest.mark.parametrize("name", provider_defects.DEFECTS)
async def test_a_planted_defect_of_providers_is_found(
    payments: Mapping[type[Provider], ProviderHarness], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider with this defect fails the check that is meant to find it."""
    defect = provider_defects.DEFECTS[name]
    harness = payments[defect.provider.__mro__[1]]
    monkeypatch.setattr(harness, "provider_class", lambda: defect.provider)
    suite = ProviderSuite()
    suite.harness = harness  # type: ignore[misc]
    with pytest.raises((AssertionError, BoxofficeError)):
        await getattr(suite, defect.caught_by)()


def test_every_check_of_providers_finds_a_defect() -> None:
    """No check of the suite is idle but the one of the page, which a provider may lack."""
    checks = {name for name in dir(ProviderSuite) if name.startswith("test_")}
    idle = checks - {one.caught_by for one in provider_defects.DEFECTS.values()}
    assert idle <= IDLE
