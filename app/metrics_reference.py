"""docs/reference/metrics.md, written from the metrics that the product defines."""

from __future__ import annotations

import sys

import app.serving  # noqa: F401 - with these two comes all that counts
import runtime.bell.redis  # noqa: F401
from gateway.adapters import registry
from runtime.metrics import Counter, Metric, defined

HEAD = """\
# Metrics

Written from the metrics themselves (`.venv/bin/python -m app.metrics_reference >
docs/reference/metrics.md`); a test compares.

`/metrics` answers in the text format of Prometheus, to a program on the same machine and to whoever
sends an API token (`Authorization: Bearer ...`). Each process tells its own numbers, so each is
fetched: with the setting `health_port` every role listens for `/healthz`, `/readyz` and `/metrics`
([settings.md](settings.md)); without it the roles `all` and `web` answer at `http_port`.

What is marked *of the database* is looked up when somebody asks and is the same whichever process
is asked: take the `max` over processes, never the `sum`. While the database does not answer, these
keep their last values, and `boxoffice_ready{check="database"}` is 0. No label names a subscriber,
an account or a box. Beside these are those of the operating system for each process, such as
`process_resident_memory_bytes`, `process_cpu_seconds_total` and `process_open_fds`.

| metric | type | labels | meaning |
|---|---|---|---|
"""


def reference() -> str:
    """Write the whole page, once every adapter was imported too."""
    for kind in registry.kinds():
        registry.adapter_class(kind)
    return HEAD + "".join(map(_row, defined()))


def _row(metric: Metric) -> str:
    name = f"{metric.name}_total" if isinstance(metric, Counter) else metric.name
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{name}` | {metric.kind.lower()} | {labels} | {metric.doc} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
