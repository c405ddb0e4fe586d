"""Grades of adapters: complete or refused, and printed as they are."""

from pathlib import Path

import pytest

from gateway.adapters import registry
from gateway.adapters.conformance.grade import RULES, grade_of, parse, reference
from terms.errors import Invalid

HEAD = 'document = "A shelf."\nchecklist = ["Dust it."]\n[rules]\n'


def graded(**changed: str) -> str:
    """Write a grade with every rule done but those changed; "" leaves one out."""
    rules = dict.fromkeys(RULES, '{ done = "yes" }') | changed
    return HEAD + "".join(f"{name} = {value}\n" for name, value in rules.items() if value)


def test_a_complete_grade_is_read() -> None:
    """Each rule shows its verdict and its reason."""
    grade = parse("shelf", graded(real='{ exempt = "it is my own" }'))
    assert grade.rules["suite"] == "done: yes"
    assert grade.rules["real"] == "exempt: it is my own"
    assert grade.checklist == ("Dust it.",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (graded(real=""), "real"),
        (graded(shiny='{ done = "yes" }'), "shiny"),
        (graded(real='{ exempt = "" }'), "real"),
        (graded(real='{ later = "perhaps" }'), "real"),
        (graded(real='"done"'), "real"),
        (graded(real='{ done = "a", exempt = "b" }'), "real"),
        ("rules = 3", "shelf.quality.toml"),
        ("[", "shelf.quality.toml"),
    ],
)
def test_an_incomplete_grade_is_refused(text: str, named: str) -> None:
    """A rule that is missing, unknown or without a reason is named."""
    with pytest.raises(Invalid, match=named):
        parse("shelf", text)


def test_an_adapter_without_a_grade_is_refused() -> None:
    """The file must lie beside the class."""

    class Bare(registry.adapter_class("ministra")):  # type: ignore[misc]
        kind = "bare"

    with pytest.raises(Invalid, match=r"bare\.quality\.toml"):
        grade_of(Bare)


def test_the_reference_is_what_the_grades_say() -> None:
    """docs/reference/adapters.md equals what is printed now."""
    printed = reference([registry.adapter_class(kind) for kind in registry.kinds()])
    assert Path("docs/reference/adapters.md").read_text() == printed
