"""A stride finds by itself how many rows are done in the time there is, on any machine."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.work import Stride
from runtime.work.stride import AIM

WITHIN_S = 0.025
ROWS_MAX = 200
BATCHES = 100

begins_s = st.floats(min_value=0.0, max_value=0.010)
a_row_s = st.floats(min_value=0.000_05, max_value=0.005)
times_s = st.floats(min_value=0.0, max_value=10.0)


def stride() -> Stride:
    """Begin as a lane does."""
    return Stride(rows_max=ROWS_MAX, within_s=WITHIN_S)


def settle_in(one: Stride, begin_s: float, row_s: float) -> None:
    """Take batch after batch on a machine where each has a cost of its own and one of its rows."""
    for _ in range(BATCHES):
        one.took(one.rows, begin_s + one.rows * row_s)


@given(begins_s, a_row_s)
def test_it_comes_to_what_fits_and_stays_there(begin_s, row_s):
    """On a steady machine no batch takes longer than it may, and none is needlessly small."""
    one = stride()
    settle_in(one, begin_s, row_s)
    best = min(max(int((WITHIN_S * AIM - begin_s) / row_s), 1), ROWS_MAX)
    for _ in range(BATCHES):
        took_s = begin_s + one.rows * row_s
        assert took_s <= WITHIN_S or one.rows == 1
        assert one.rows >= best // 2
        one.took(one.rows, took_s)


@given(begins_s, a_row_s, st.integers(min_value=2, max_value=10))
def test_it_gives_way_to_a_slower_machine_and_comes_back(begin_s, row_s, factor):
    """Where everything takes longer from now on it is soon short again; then it grows back."""
    one = stride()
    settle_in(one, begin_s, row_s)
    before = one.rows
    for _ in range(8):
        one.took(one.rows, factor * (begin_s + one.rows * row_s))
    assert factor * (begin_s + one.rows * row_s) <= WITHIN_S or one.rows == 1
    settle_in(one, begin_s, row_s)
    assert abs(one.rows - before) <= max(1, before // 2)


@given(st.integers(min_value=1, max_value=2 * ROWS_MAX), st.lists(times_s))
def test_it_is_never_less_than_what_is_quick_anywhere(rows_min, batches):
    """A machine that is busy with something else gets no smaller batches than the least."""
    one = Stride(rows_min=rows_min, rows_max=ROWS_MAX, within_s=WITHIN_S)
    for seconds in batches:
        assert min(rows_min, ROWS_MAX) <= one.rows <= ROWS_MAX
        one.took(one.rows, seconds)


@given(st.lists(st.tuples(st.integers(min_value=0, max_value=ROWS_MAX), times_s)))
def test_whatever_it_is_told_it_stays_in_bounds(batches):
    """No batch, however quick or slow, makes it less than one row or more than the most."""
    one = stride()
    for rows, seconds in batches:
        one.took(rows, seconds)
        assert 1 <= one.rows <= ROWS_MAX


@given(st.integers(min_value=1, max_value=9), st.floats(min_value=0.0, max_value=0.001))
def test_a_batch_that_was_small_by_itself_teaches_nothing_of_speed(rows, seconds):
    """Who finds less to do than he may take does not take more the next time."""
    one = stride()
    one.took(rows, seconds)
    assert one.rows == stride().rows
