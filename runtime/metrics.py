"""Numbers about the running process, for a monitoring system to fetch.

A metric is a constant of the module that counts. Labels name few things (a kind, a target), never
a subscriber: beyond LABEL_SETS_MAX everything is counted under `other`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LABEL_SETS_MAX = 1_000
OTHER = "other"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# From a cached answer to a call that meets its deadline.
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_defined: dict[str, Metric] = {}


class Metric:
    """A named number, or one per set of label values.

    The library behind it takes long to import, so that it is met at the first number.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, doc: str, labels: Sequence[str] = ()) -> None:
        if name in _defined:
            raise ValueError(f"the metric {name} is defined already")
        _defined[name] = self
        self.name = name
        self.doc = doc
        self.labels = tuple(labels)
        self._family: Any = None
        self._children: dict[tuple[str, ...], Any] = {}

    def make(self) -> Any:
        """Register the metric with the library, once."""
        if self._family is None:
            import prometheus_client  # noqa: PLC0415 - 80 ms that most commands never need

            make = getattr(prometheus_client, self.kind)
            self._family = make(
                self.name, self.doc, self.labels, registry=_registry(), **self._options()
            )
        return self._family

    def _options(self) -> dict[str, Any]:
        return {}

    def _child(self, values: tuple[str, ...]) -> Any:
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self.labels):
                raise ValueError(f"the metric {self.name} has the labels {self.labels}")
            if len(self._children) >= LABEL_SETS_MAX:
                values = (OTHER,) * len(self.labels)
            family = self.make()
            child = self._children[values] = family.labels(*values) if self.labels else family
        return child


class Counter(Metric):
    """Only rises. Its name is shown with `_total` behind it."""

    kind = "Counter"

    def inc(self, *values: str, by: float = 1) -> None:
        """Count, under one value per label."""
        self._child(values).inc(by)


class Gauge(Metric):
    """Goes up and down."""

    kind = "Gauge"

    def set(self, *values: str, to: float) -> None:
        """Say how much it is now."""
        self._child(values).set(to)

    def add(self, *values: str, by: float = 1) -> None:
        """Say how much more it is; less than none takes away."""
        self._child(values).inc(by)


class Histogram(Metric):
    """How often a number fell into which range; by default of seconds."""

    kind = "Histogram"

    def __init__(
        self,
        name: str,
        doc: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = SECONDS_BUCKETS,
    ) -> None:
        super().__init__(name, doc, labels)
        self.buckets = tuple(buckets)

    def _options(self) -> dict[str, Any]:
        return {"buckets": self.buckets}

    def observe(self, *values: str, amount: float) -> None:
        """Count one amount, under one value per label."""
        self._child(values).observe(amount)


def counter(name: str, doc: str, *labels: str) -> Counter:
    """Define a counter."""
    return Counter(name, doc, labels)


def gauge(name: str, doc: str, *labels: str) -> Gauge:
    """Define a gauge."""
    return Gauge(name, doc, labels)


def histogram(
    name: str, doc: str, *labels: str, buckets: Sequence[float] = SECONDS_BUCKETS
) -> Histogram:
    """Define a histogram."""
    return Histogram(name, doc, labels, buckets)


def defined() -> Sequence[Metric]:
    """List every metric that was defined so far, by name."""
    return [_defined[name] for name in sorted(_defined)]


def metrics() -> bytes:
    """Show every metric in the text format of Prometheus (CONTENT_TYPE)."""
    from prometheus_client import generate_latest  # noqa: PLC0415 - see Metric.make

    for metric in _defined.values():
        metric.make()
    return generate_latest(_registry())


@cache
def _registry() -> CollectorRegistry:
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry
