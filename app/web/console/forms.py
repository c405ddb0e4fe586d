"""What forms of the console bring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.web.page.fields import OnceForm
from app.web.route import Form
from gateway.inventory.reviews import WORDS_CHARS_MAX

Key = Annotated[str, Field(max_length=200)]
Why = Annotated[str, Field(max_length=200)]


class ReleaseForm(Form):
    """Which parked row is tried again, and on which page somebody asked for it."""

    kind: Key
    key: Key
    back: Literal["/console/", "/console/work"] = "/console/"


class RepairForm(Form):
    """Which finding is put right."""

    id: Key


class ResolveForm(Form):
    """Which case, and what was decided; with `forget_key` the next key is let in."""

    id: Annotated[str, Field(max_length=100)]
    resolution: Annotated[str, Field(max_length=WORDS_CHARS_MAX)]
    forget_key: Literal["yes", ""] = ""


class RefundForm(Form):
    """Which refund a second person lets go."""

    id: Key


class DeclineForm(RefundForm):
    """Which refund a second person declines, and why."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class UsageForm(Form):
    """Whose usage is looked at again."""

    contract: Key


class DismissForm(Form):
    """Which record of usage nobody will ever have, and why."""

    source: Key
    id: Key
    reason: Why = ""


class DecideForm(Form):
    """Why somebody decides so, if they say it."""

    reason: Why = ""


class DeedForm(OnceForm):
    """Something that is done once, and why."""

    reason: Why = ""
