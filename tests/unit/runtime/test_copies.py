"""What is written for one is written for others with their names, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table

from runtime.store.copies import Copier, Unlike, together, token
from runtime.store.later import Rows, Statement

metadata = MetaData()
paper = Table("paper", metadata, Column("id", String), Column("n", Integer), Column("says", String))
sheet = Table("sheet", metadata, Column("paper", String), Column("n", Integer))
NUMBER = 1 << 62
# A stand-in's id, number and name, and at which place others have theirs.
ID, NAME = token(3, 0), token(3, 2)
PLACES = {ID: 0, NUMBER: 1, NAME: 2}

texts = st.text(st.characters(exclude_characters="\ue000\ue001"), max_size=12)
numbers = st.integers(min_value=-5, max_value=1 << 40)
others = st.lists(st.tuples(texts, numbers, texts), max_size=6)
values = st.one_of(st.none(), texts, numbers, st.sampled_from([ID, NAME, NUMBER]))
inside = st.tuples(texts, texts, texts).map(
    lambda parts: f"{parts[0]}{ID}{parts[1]}{NAME}{parts[2]}"
)


def put(table: Table, *rows: tuple, conflict: str = "") -> Rows:
    """Make rows for a table."""
    names = tuple(column.name for column in table.c)
    return Rows(table=table, names=names, conflict=conflict, rows=list(rows))


@given(
    st.lists(st.tuples(values, values, st.one_of(values, inside)), min_size=1, max_size=4), others
)
def test_names_are_put_in_their_places(rows, everybody):
    """Every copy is the row with each name of the stand-in replaced, alone or inside a text."""
    (found,) = Copier([put(paper, *rows)], PLACES).copies(everybody)

    def named(value, names):
        if value == NUMBER:
            return names[1]
        if isinstance(value, str):
            return value.replace(ID, names[0]).replace(NAME, names[2])
        return value

    assert found.rows == [
        tuple(named(value, names) for value in row) for names in everybody for row in rows
    ]


def test_a_name_that_looks_like_something_else_is_only_a_name():
    """What is fixed stays, also where somebody's name is the very same text."""
    (found,) = Copier([put(paper, (ID, 1, "EUR"))], PLACES).copies([("EUR", 1, "")])
    assert found.rows == [("EUR", 1, "EUR")]


def test_only_rows_are_copied():
    """A statement may mean anybody: it is not copied."""
    with pytest.raises(Unlike):
        Copier([Statement(sql="DELETE FROM paper", values=())], PLACES)


def test_rows_of_one_place_come_together():
    """Tables stay in their order, and rows that overwrite are not mixed with those that do not."""
    first, over = put(paper, ("a", 1, "")), put(paper, ("b", 2, ""), conflict=" ON CONFLICT")
    told = Statement(sql="SELECT 1", values=())
    found = together([first, put(sheet, ("a", 1)), told, over, put(paper, ("c", 3, ""))])
    assert [getattr(each, "rows", None) for each in found] == [
        [("a", 1, ""), ("c", 3, "")],
        [("a", 1)],
        None,
        [("b", 2, "")],
    ]
