"""Metrics: what is counted is what is shown."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.metrics import LABEL_SETS_MAX, counter, gauge, histogram, metrics

ROOT = Path(__file__).resolve().parents[3]
_numbers = itertools.count()


def fresh() -> str:
    """A name that no other test has used."""
    return f"boxoffice_test_{next(_numbers)}"


def shown(name: str) -> dict[str, float]:
    """All lines about one metric."""
    lines = [line for line in metrics().decode().splitlines() if line.startswith(name)]
    return {
        key.removeprefix(name): float(value) for key, value in (x.rsplit(" ", 1) for x in lines)
    }


def test_a_counter_counts():
    """A counter shows the sum per set of labels."""
    name = fresh()
    calls = counter(name, "Calls", "target", "outcome")
    calls.inc("north", "done")
    calls.inc("north", "done", by=2)
    calls.inc("south", "failed")
    found = {key: value for key, value in shown(name).items() if key.startswith("_total")}
    assert found == {
        '_total{outcome="done",target="north"}': 3,
        '_total{outcome="failed",target="south"}': 1,
    }


def test_a_metric_is_there_before_its_first_number():
    """A counter without labels shows zero from the start."""
    name = fresh()
    counter(name, "Nothing yet")
    assert shown(name)["_total"] == 0


def test_a_gauge_shows_the_last_value():
    """A gauge shows what was set last."""
    name = fresh()
    depth = gauge(name, "Rows", "kind")
    depth.set("settle", to=5)
    depth.set("settle", to=2)
    assert shown(name) == {'{kind="settle"}': 2}


def test_a_histogram_counts_by_range():
    """A histogram shows how many amounts lie below each bound, their number and their sum."""
    name = fresh()
    took = histogram(name, "Seconds", buckets=(0.1, 1))
    for amount in (0.05, 0.5, 5):
        took.observe(amount=amount)
    found = shown(name)
    assert [found[f'_bucket{{le="{bound}"}}'] for bound in ("0.1", "1.0", "+Inf")] == [1, 2, 3]
    assert (found["_count"], found["_sum"]) == (3, 5.55)


def test_labels_are_bounded():
    """Label values without end are counted together instead of filling the memory."""
    name = fresh()
    calls = counter(name, "Calls", "who")
    for n in range(LABEL_SETS_MAX + 50):
        calls.inc(str(n))
    found = {key: value for key, value in shown(name).items() if key.startswith("_total")}
    assert len(found) == LABEL_SETS_MAX + 1
    assert found['_total{who="other"}'] == 50


def test_a_slip_in_the_labels_is_an_error():
    """Too many or too few label values, or the same name twice, is refused."""
    name = fresh()
    calls = counter(name, "Calls", "who")
    for values in ((), ("a", "b")):
        with pytest.raises(ValueError, match=name):
            calls.inc(*values)
    with pytest.raises(ValueError, match="defined already"):
        gauge(name, "Again")


def test_the_process_itself_is_shown():
    """Memory and open files of the process are among the metrics."""
    assert "process_resident_memory_bytes" in metrics().decode()


def test_defining_does_not_import_the_library():
    """A process that shows no metric does not wait for the metrics library."""
    program = (
        "import sys; from runtime.metrics import counter; counter('x', 'y');"
        "print('prometheus_client' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
