"""Finds impure imports: the deciding modules may use the shared language and nothing that acts.

import-linter can forbid; what a pure module may import is a short list, so it is checked here.
"""

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator

from tests.architecture.source import ROOMS, Finding, Module

# Modules of billing beside its models that decide and do nothing else.
DECIDING = (
    "catalog.difference",
    "catalog.document",
    "catalog.terms",
    "catalog.tiers",
    "catalog.usage_price",
    "catalog.window",
    "debits.codes",
    "debits.days",
    "debits.reasons",
    "dunning.campaign",
    "dunning.dispute_fees",
    "dunning.document",
    "dunning.fee_terms",
    "dunning.foreseeing",
    "dunning.hours",
    "dunning.judging",
    "dunning.late_fees",
    "dunning.level",
    "dunning.overdue",
    "dunning.reactivation",
    "dunning.retrying",
    "dunning.segment",
    "dunning.stages",
    "equipment.subsidy",
    "invoicing.crediting",
    "invoicing.numbering",
    "ledger.deferral",
    "payments.looks",
    "payments.standing",
    "payments.wallet",
    "subscriptions.trial",
    "tax.assessment",
    "tax.levels",
)
MODELS = "|".join(
    (
        r"billing\.[a-z_]+\.model",
        r"billing\.rating\.\w+",
        *(re.escape(f"billing.{name}") for name in DECIDING),
    )
)
STATE = r"gateway\.adapters\.state"
# Module -> which of our own modules it may import, besides itself.
PURE = {
    r"terms(\.\w+)*": r"terms(\.\w+)*",
    MODELS: rf"terms(\.\w+)*|{MODELS}",
    STATE: r"terms(\.\w+)*",
    r"gateway\.inventory\.model": rf"terms(\.\w+)*|{STATE}",
    r"gateway\.adapters\.errands": r"terms(\.\w+)*",
    r"gateway\.adapters\.sdk": rf"terms(\.\w+)*|{STATE}|gateway\.adapters\.errands",
    r"gateway\.adapters\.inbound": rf"{STATE}|gateway\.adapters\.sdk",
    r"gateway\.provisioning\.routing": rf"terms(\.\w+)*|{STATE}",
    # Composing is routing what is granted; both are pure.
    r"gateway\.provisioning\.compose": (
        rf"terms(\.\w+)*|{STATE}|gateway\.inventory\.model|gateway\.provisioning\.routing"
    ),
}
# Standard modules through which a program acts, waits, or asks the machine or chance.
ACTING = frozenset(
    {
        "asyncio",
        "ftplib",
        "http.client",
        "http.cookiejar",
        "http.server",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "select",
        "shelve",
        "shutil",
        "smtplib",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
    }
)
# Third-party packages that hold, check or word values: an adapter's settings, contracts as text.
VALUES = {
    r"gateway\.adapters\.sdk": {"pydantic"},
    r"terms\.(entitlement|facts|notice)": {"orjson"},
    STATE: {"orjson"},
}


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """List what a module imports, as dotted names with the imported attribute at the end."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _complaint(imported: str, allowed: str, packages: Collection[str]) -> str | None:
    """Say why the import is impure; None where it is not."""
    root = imported.partition(".")[0]
    if root in ROOMS:
        # `from terms.money import Money`: the name or its parent is the module.
        parent = imported.rpartition(".")[0]
        pure = re.fullmatch(allowed, imported) or (parent and re.fullmatch(allowed, parent))
        return None if pure else f"a pure module imports {imported}"
    if any(f"{imported}.".startswith(f"{name}.") for name in ACTING):
        return f"a pure module imports {imported}, which acts"
    if root in sys.stdlib_module_names or root in packages:
        return None
    return f"a pure module imports the package {root}"


def impure(module: Module) -> list[Finding]:
    """List the imports a pure module may not have; none for all other modules."""
    packages = [p for name, some in VALUES.items() if re.fullmatch(name, module.name) for p in some]
    rules = [allowed for pattern, allowed in PURE.items() if re.fullmatch(pattern, module.name)]
    findings = []
    for allowed in rules:
        for line, imported in imports(module):
            complaint = _complaint(imported, f"{allowed}|{re.escape(module.name)}", packages)
            if complaint:
                findings.append(Finding(place=module.place, line=line, what=complaint))
    return findings


def all_impure(modules: Iterable[Module]) -> list[Finding]:
    """Check many modules."""
    return [finding for module in modules for finding in impure(module)]
