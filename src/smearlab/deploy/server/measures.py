"""What the server counts about itself, in Prometheus' text form. Names and numbers only; nothing about a picture."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from smearlab.deploy.server.admission import Admission
from smearlab.deploy.server.answers import Row

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PICTURES = (1, 2, 4, 8, 16, 32, 64, 128)


class Measures:
    """The counters of one server; a registry of its own, so that several can live in one process."""

    def __init__(self, class_names: Sequence[str], admission: Admission) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = self._counter("requests", "Requests answered.", ("path", "method", "status"))
        self.seconds = Histogram(
            "smearlab_request_seconds", "From the head of a request to the end of its answer.", ("path",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.pictures = self._counter("pictures", "Pictures by what they turned out to be.", ("outcome",))
        self.labels = self._counter(
            "labels", "Cells by their label: a shift here is a shift in what comes in.", ("label",)
        )
        self.batches = Histogram(
            "smearlab_batch_pictures", "Pictures that went through the network at once.",
            buckets=_PICTURES, registry=self.registry,
        )  # fmt: skip
        for outcome in ("cell", "not_cell", "unreadable"):
            self.pictures.labels(outcome)
        for name in class_names:
            self.labels.labels(name)
        self._gauge("requests_in_work", "Requests in work.").set_function(lambda: admission.requests)
        self._gauge("held_bytes", "Bytes of uploads in memory.").set_function(lambda: admission.held)

    def count_rows(self, rows: Sequence[Row]) -> None:
        """Count the pictures of an answered request."""
        for row in rows:
            outcome = "unreadable" if row["error"] else "cell" if row["is_cell"] else "not_cell"
            self.pictures.labels(outcome).inc()
            if outcome == "cell":
                self.labels.labels(row["label"]).inc()

    def text(self) -> bytes:
        """Return all counters in Prometheus' text form."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"smearlab_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"smearlab_{name}", what, registry=self.registry)
