"""How a target's limit is split among workers: all of it, never more, and fairly."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.provisioning.shares import Asked, Part, allowed, fair
from terms.ids import TargetName

NORTH = TargetName("north")
CAPS = st.integers(1, 512)
WANTS = st.dictionaries(st.integers(1, 9), st.integers(0, 512), min_size=1)


@given(cap=CAPS, wanted=WANTS)
def test_a_limit_is_used_up_and_never_passed(cap, wanted):
    """Everything is given away as far as anybody wants it; nobody gets more than wanted."""
    parts = fair(cap, wanted)
    assert parts.keys() == wanted.keys()
    assert sum(parts.values()) == min(cap, sum(wanted.values()))
    assert all(0 <= parts[one] <= wanted[one] for one in wanted)


@given(cap=CAPS, wanted=WANTS)
def test_nobody_goes_short_while_another_has_more(cap, wanted):
    """Who got less than wanted got as much as the best served, but for an odd one."""
    parts = fair(cap, wanted)
    short = [parts[one] for one in wanted if parts[one] < wanted[one]]
    assert all(max(parts.values()) - part <= 1 for part in short)


@given(
    cap=CAPS,
    wanted=WANTS,
    turns=st.lists(
        st.tuples(st.integers(1, 9), st.sampled_from(["settle", "settle", "die"]), CAPS),
        max_size=60,
    ),
)
def test_in_no_order_of_turns_the_limit_is_passed(cap, wanted, turns):
    """Workers come, ask in any order with anything under way, and die: the sum stays in bounds.

    When each has asked twice more with nothing in the way, all have their fair parts.
    """
    held: dict[int, Part] = {}

    def settle(me: int, busy: int) -> None:
        others = {one: part for one, part in held.items() if one != me}
        before = held[me].held if me in held else 0
        running = min(busy, before)  # nobody has more under way than was allowed
        asked = Asked(target=NORTH, cap=cap, wanted=wanted[me], running=running)
        mine = allowed(asked, me, others)
        held[me] = Part(wanted=wanted[me], held=max(mine, running))

    for me, what, busy in turns:
        if me not in wanted:
            continue
        if what == "die":
            held.pop(me, None)
        else:
            settle(me, busy)
        assert sum(part.held for part in held.values()) <= cap
    for _ in range(2):
        for me in wanted:
            settle(me, 0)
    for _ in range(2):
        for me in wanted:
            settle(me, 0)
    assert {me: part.held for me, part in held.items()} == fair(cap, wanted)
