"""Figures for Prometheus: https://prometheus.io/docs/practices/naming/."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

ACK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """One set for each collector process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batches = Counter(
            "wardwatch_batches",
            "Batches by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self.observations = Counter(
            "wardwatch_observations", "Observations acknowledged", registry=self.registry
        )
        self.acknowledged_s = Histogram(
            "wardwatch_acknowledge_seconds",
            "From a batch's last byte to its answer",
            buckets=ACK_BUCKETS,
            registry=self.registry,
        )
        self.refusals = Counter(
            "wardwatch_refusals", "Requests of agents refused", ["problem"], registry=self.registry
        )
        self.waiting = Gauge(
            "wardwatch_batches_waiting", "Batches that wait for the disk", registry=self.registry
        )
        self.unjudged = Gauge(
            "wardwatch_entries_unjudged",
            "Entries of the journal that the judge has not come to",
            registry=self.registry,
        )
        self.workers = Gauge(
            "wardwatch_worker_up", "1 while the worker runs", ["worker"], registry=self.registry
        )
        self.restarts = Counter(
            "wardwatch_worker_restarts", "Ends of a worker", ["worker"], registry=self.registry
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
