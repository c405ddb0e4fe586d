"""What is wrong with what the files of an import say of loyalty."""

from __future__ import annotations

from app.imports.folder import Folder
from app.imports.loyalty_rows import wrong_gifts, wrong_tiers
from app.imports.loyalty_sheets import LOYALTY, LOYALTY_TIERS
from app.imports.operator import FILE as OPERATOR
from app.imports.problems import Problems
from terms.money import NO_CURRENCY


def check_loyalty(folder: Folder, known_currency: str, problems: Problems) -> None:
    """Note what is wrong; where anything is, nothing of loyalty is taken."""
    operator = folder.operator
    currency = (operator.business.currency if operator else known_currency) or NO_CURRENCY
    is_told = folder.loyalty is not None or folder.loyalty_tiers is not None
    if is_told and operator and operator.program is not None:
        why = "the catalogue says what is given for loyalty too: leave one of them out"
        problems.add(OPERATOR, why, field="loyalty")
    wrong_gifts(folder.loyalty or (), currency, problems)
    wrong_tiers(folder.loyalty_tiers or (), currency, problems)
    if any(problems.found.get(sheet.file) for sheet in (LOYALTY, LOYALTY_TIERS)):
        folder.loyalty, folder.loyalty_tiers = None, None
