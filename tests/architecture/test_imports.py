"""The import contracts hold, and a violation of each one is caught in a scratch copy."""

import ast
import re
import shutil
from itertools import chain
from pathlib import Path

import pytest

from tests.architecture import contracts
from tests.architecture.source import AROUND, ROOT, SHIPPED

# Every place that a contract may name, as the design draws it.
DRAWN = (
    *SHIPPED,
    *AROUND,
    "tests",
    "app.web.api",
    "app.web.console",
    "app.web.field",
    "app.web.page",
    "app.web.people",
    "app.web.portal",
    "app.web.site",
    "app.wiring",
    "billing.flows",
    "billing.payments.providers",
    "billing.reads",
    *(
        f"billing.{noun}.{part}"
        for noun in (
            *("accounts", "catalog", "documents", "dunning", "entitlements", "equipment"),
            *("invoicing", "ledger", "loyalty", "payments", "promotions", "rating"),
            *("subscriptions", "tax"),
        )
        for part in ("model", "store")
    ),
    "gateway.adapters.conformance",
    "gateway.adapters.middleware",
    "gateway.adapters.registry",
    "gateway.adapters.sdk",
    "gateway.adapters.state",
    "gateway.adapters.stb",
    "gateway.inventory.model",
    "gateway.inventory.store",
    "gateway.provisioning.compose",
    "gateway.provisioning.routing",
    "gateway.provisioning.store",
    "gateway.reads",
)

# Contract -> (the module where it is planted, what it imports there).
PLANTED = {
    "house": (
        ("terms.planted", "runtime"),
        ("runtime.planted", "billing.reads"),
        ("billing.planted", "gateway.reads"),
        ("gateway.planted", "billing.reads"),
        ("billing.flows.planted", "messages"),
        ("messages.planted", "analytics"),
        ("analytics.planted", "integrations"),
        ("integrations.planted", "messages"),
        ("messages.other_planted", "app.wiring"),
    ),
    "neighbours": (
        ("messages.planted", "gateway.provisioning.operate"),
        ("analytics.planted", "billing.ledger.model"),
        ("integrations.planted", "billing.flows"),
        ("integrations.other_planted", "gateway"),
    ),
    "billing": (
        ("billing.flows.planted", "billing.reads"),
        ("billing.reads.planted", "billing.flows"),
        ("billing.ledger.planted", "billing.accounts.model"),
        ("billing.invoicing.planted", "billing.dunning.model"),
        ("billing.subscriptions.planted", "billing.equipment.model"),
        ("billing.payments.planted", "billing.entitlements.model"),
        ("billing.tax.planted", "billing.rating.model"),
    ),
    "gateway": (
        ("gateway.inventory.planted", "gateway.provisioning.compose"),
        ("gateway.adapters.planted", "gateway.inventory.model"),
        ("gateway.provisioning.planted", "gateway.reads"),
    ),
    "pages": (
        ("app.web.portal.planted", "app.web.console.words"),
        ("app.web.console.planted", "app.web.field.words"),
        ("app.web.people.planted", "app.web.portal.site"),
        ("app.web.page.planted", "app.web.people.me"),
        ("app.web.api.planted", "app.web.page.words"),
    ),
    "adapters": (
        ("gateway.adapters.registry.planted", "gateway.adapters.conformance"),
        ("gateway.adapters.boxes.planted", "gateway.adapters.registry"),
        ("gateway.adapters.sdk.planted", "gateway.adapters.boxes"),
        ("gateway.adapters.state.planted", "gateway.adapters.sdk"),
        ("gateway.adapters.middleware.planted", "gateway.adapters.stb"),
    ),
    "adapters-apart": (
        ("gateway.adapters.middleware.planted", "gateway.adapters.middleware.other"),
        ("gateway.adapters.stb.planted", "gateway.adapters.stb.other"),
        ("gateway.adapters.stb.third_planted", "gateway.adapters.middleware.other"),
    ),
    "by-entry-point": (
        ("app.planted", "gateway.adapters.middleware.planted_kind"),
        ("gateway.adapters.registry.planted", "gateway.adapters.stb.planted_kind.session"),
        ("billing.flows.planted", "billing.payments.providers.planted_kind"),
        ("demo.planted", "billing.payments.providers.planted_kind"),
    ),
    "models": (
        ("billing.ledger.model.planted", "runtime.store"),
        ("billing.rating.model.planted", "billing.tax.store"),
        ("billing.dunning.model.planted", "billing.reads"),
        ("billing.payments.model.planted", "billing.payments.providers.other"),
    ),
    "states": (
        ("gateway.adapters.state.planted", "runtime.clock"),
        ("gateway.inventory.model.planted", "gateway.adapters.registry"),
    ),
    "wishes": (
        ("gateway.provisioning.compose.planted", "runtime.store"),
        ("gateway.provisioning.compose.other_planted", "gateway.inventory.store"),
        ("gateway.provisioning.routing.planted", "gateway.adapters.registry"),
        ("gateway.adapters.sdk.planted", "runtime.http"),
    ),
    "stores": (
        ("app.web.planted", "billing.accounts.store"),
        ("billing.dunning.planted", "billing.payments.store"),
        ("billing.planted", "billing.ledger.store"),
        ("app.planted", "billing.tax.store"),
    ),
    "simulators": (
        ("simulators.planted", "terms"),
        ("simulators.payments.planted", "billing.payments.model"),
        ("simulators.other_planted", "tests"),
    ),
    "shipped": (
        ("app.planted", "simulators"),
        ("runtime.planted", "tests"),
        ("gateway.planted", "demo"),
        ("billing.planted", "bench"),
        ("messages.planted", "client"),
    ),
    "client": (
        ("client.planted", "terms.money"),
        ("client.other_planted", "app.web.openapi"),
        ("client.third_planted", "simulators"),
        ("client.fourth_planted", "demo"),
    ),
    "demo": (
        ("demo.planted", "app.wiring"),
        ("demo.other_planted", "simulators"),
        ("demo.third_planted", "runtime.clock"),
        ("demo.fourth_planted", "billing.reads"),
    ),
    "bench": (
        ("bench.planted", "billing.flows"),
        ("bench.other_planted", "runtime.store"),
        ("bench.third_planted", "simulators"),
        ("bench.fourth_planted", "demo"),
    ),
}

NAMES = {key: contracts.read(ROOT).get(f"importlinter:contract:{key}", "name") for key in PLANTED}

# What the design allows, so that no contract is kept by forbidding everything.
ALLOWED = (
    ("app.wiring.allowed", "billing.ledger.store"),
    ("app.wiring.allowed_too", "gateway.provisioning.operate"),
    ("messages.allowed", "gateway.reads.targets"),
    ("analytics.allowed", "billing.reads"),
    ("billing.flows.allowed", "billing.entitlements.store"),
    ("billing.reads.allowed", "billing.ledger.store"),
    ("billing.payments.allowed", "billing.payments.store"),
    ("billing.payments.providers.allowed", "billing.payments.model"),
    ("billing.subscriptions.model.allowed", "billing.catalog.model"),
    ("gateway.provisioning.compose.allowed", "gateway.inventory.model"),
    ("gateway.provisioning.routing.allowed", "gateway.adapters.state"),
    ("gateway.adapters.middleware.allowed", "gateway.adapters.sdk"),
    ("gateway.adapters.conformance.allowed", "gateway.adapters.registry"),
    ("demo.allowed", "terms.money"),
    ("bench.allowed", "app.wiring"),
    ("tests.allowed", "gateway.adapters.middleware.allowed"),
)


def write_module(root: Path, name: str, line: str = "") -> None:
    """Write a module, making packages of all that lead to it; what is there stays there."""
    folder = root
    *packages, last = name.split(".") if "." in name else (name, "__init__")
    for package in packages:
        folder /= package
        folder.mkdir(exist_ok=True)
        module = folder.with_suffix(".py")
        if module.exists():
            module.replace(folder / "__init__.py")
        (folder / "__init__.py").touch()
    target = folder / last / "__init__.py" if (folder / last).is_dir() else folder / f"{last}.py"
    with target.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def plant(root: Path, importer: str, imported: str) -> None:
    """Plant one import; both its ends exist afterwards."""
    write_module(root, imported)
    write_module(root, importer, f"import {imported}")


def is_whole(path: Path) -> bool:
    """Tell whether a file can be parsed; half a file in somebody's editor is another story."""
    try:
        ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return False
    return True


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A copy of the real source, with every room that the design draws."""
    root = tmp_path_factory.mktemp("original")
    shutil.copy(ROOT / contracts.CONFIG, root)
    for room in (*SHIPPED, *AROUND):
        write_module(root, room)
        for path in (ROOT / room).rglob("*.py"):
            if is_whole(path):
                target = root / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    for name in DRAWN:
        write_module(root, name)
    return root


@pytest.fixture
def scratch(original, tmp_path):
    """A scratch copy to spoil."""
    return shutil.copytree(original, tmp_path / "scratch")


def test_the_contracts_are_kept():
    """The source as it is keeps every contract."""
    done = contracts.lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_name_only_what_the_design_draws(original):
    """No contract is empty because a name in it is misspelt: with all rooms, none is left out."""
    assert contracts.leave_out(original, contracts.read(original)) == []


def test_the_drawn_house_keeps_the_contracts(scratch):
    """With every room built and every allowed import in place, nothing is broken."""
    for importer, imported in ALLOWED:
        plant(scratch, importer, imported)
    done = contracts.lint(scratch)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract_has_its_violations():
    """A contract without planted violations would be believed, not known."""
    keys = {section.rpartition(":")[2] for section in contracts.read(ROOT).sections()}
    assert keys - {"importlinter"} == set(PLANTED)


@pytest.fixture(scope="module")
def reports(original, tmp_path_factory) -> dict[str, str]:
    """What each contract says of a house in which all of them are broken."""
    spoiled = shutil.copytree(original, tmp_path_factory.mktemp("spoiled") / "house")
    for importer, imported in chain.from_iterable(PLANTED.values()):
        plant(spoiled, importer, imported)
    done = contracts.lint(spoiled)
    assert done.returncode == 1, done.stdout + done.stderr
    told = re.sub(r"\s+", " ", done.stdout.partition("Broken contracts")[2])
    begins = sorted((told.index(f"{name} ---"), key) for key, name in NAMES.items())
    ends = [at for at, _ in begins[1:]] + [len(told)]
    return {key: told[at:end] for (at, key), end in zip(begins, ends, strict=True)}


@pytest.mark.parametrize("contract", PLANTED)
def test_violations_are_caught(contract, reports):
    """Each planted import breaks its contract, and is named in what that one reports."""
    for importer, imported in PLANTED[contract]:
        assert f"{importer} -> {imported}" in reports[contract]
