"""Every kind of target and provider that is installed is under test, and says how good it is."""

import importlib
import re
from pathlib import Path

import pytest

from billing.payments import registry as providers
from billing.payments.conformance import ProviderSuite
from gateway.adapters import registry
from gateway.adapters.conformance import AdapterSuite
from gateway.adapters.conformance.grade import RULES, grade_of
from tests.conformance.provider_defects import DEFECTS


def test_there_are_adapters() -> None:
    """At least one kind is installed, else the tests below would say nothing."""
    assert registry.kinds()


@pytest.mark.parametrize("kind", registry.kinds())
def test_a_registered_kind_has_a_harness(kind: str) -> None:
    """tests/conformance/test_<kind>.py runs the whole suite on that kind."""
    module = importlib.import_module(f"tests.conformance.test_{kind}")
    suites = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, AdapterSuite) and value is not AdapterSuite
    ]
    assert [suite for suite in suites if suite.harness.kind == kind]
    for suite in suites:
        assert not [name for name in vars(suite) if name.startswith("test_")], "a check is replaced"


@pytest.mark.parametrize("kind", registry.kinds())
def test_a_registered_kind_has_a_grade(kind: str) -> None:
    """Every rule is done or exempt with a reason, and operators are told what to check."""
    grade = grade_of(registry.adapter_class(kind))
    assert grade.rules.keys() == RULES.keys()
    assert grade.checklist
    assert registry.adapter_class(kind).kind == kind


@pytest.mark.parametrize("kind", providers.kinds())
def test_a_registered_provider_has_a_harness(kind: str) -> None:
    """tests/conformance/test_<kind>.py runs the whole suite on that kind of provider."""
    module = importlib.import_module(f"tests.conformance.test_{kind}")
    suites = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ProviderSuite)
        and value is not ProviderSuite
    ]
    assert [suite for suite in suites if suite.harness.kind == kind]
    for suite in suites:
        assert not [name for name in vars(suite) if name.startswith("test_")], "a check is replaced"


def test_the_page_for_authors_of_providers_says_what_is() -> None:
    """It shows the provider as it stands, and counts the checks and the planted mistakes."""
    page = Path("docs/howto/provider.md").read_text("utf-8")
    for name, why in providers.provider_class("gocardless").lacks.items():
        assert f'    "{name}": "{why}",\n' in page
    checks = [name for name in dir(ProviderSuite) if name.startswith("test_")]
    assert f"\n{len(checks)} checks in " in page
    assert len(DEFECTS) == 33
    files = set(re.findall(r"`((?:billing|tests|simulators)/[\w/.]+)`", page))
    assert files
    assert not [name for name in files if not Path(name).exists()]
