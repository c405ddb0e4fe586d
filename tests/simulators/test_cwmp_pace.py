"""The retry schedule of TR-069, section 3.2.1.1, as a simulated CPE keeps it."""

from random import Random

import pytest

from simulators.stb.cwmp.cpe import Pace


@pytest.mark.parametrize(
    ("retries", "least_s", "most_s"),
    [(1, 5, 10), (2, 10, 20), (3, 20, 40), (9, 1280, 2560), (10, 2560, 5120), (40, 2560, 5120)],
)
def test_the_wait_doubles_until_the_tenth(retries: int, least_s: float, most_s: float) -> None:
    """Attempt n waits 5 * 2^(n-1) to 5 * 2^n seconds, and no more from the tenth on."""
    drawn = [Pace().retry_s(retries, Random(seed)) for seed in range(200)]
    assert all(least_s <= one <= most_s for one in drawn)
    assert max(drawn) - min(drawn) > (most_s - least_s) / 2


def test_the_schedule_can_be_set() -> None:
    """Other values of m and k move the whole schedule."""
    pace = Pace(retry_m_s=0.1, retry_k=3.0)
    assert 0.3 <= pace.retry_s(2, Random(1)) <= 0.9
