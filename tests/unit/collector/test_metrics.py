from collector.metrics import Metrics


def test_the_figures_have_names_that_stay():
    metrics = Metrics()
    metrics.batches.labels("new").inc()
    metrics.observations.inc(20)
    metrics.refusals.labels("too-large").inc()
    metrics.acknowledged_s.observe(0.003)

    text = metrics.text().decode()

    assert 'wardwatch_batches_total{outcome="new"} 1.0' in text
    assert "wardwatch_observations_total 20.0" in text
    assert 'wardwatch_refusals_total{problem="too-large"} 1.0' in text
    assert 'wardwatch_acknowledge_seconds_bucket{le="0.005"} 1.0' in text
    assert "wardwatch_batches_waiting 0.0" in text
    assert "wardwatch_entries_unjudged 0.0" in text


def test_two_collectors_in_one_process_count_apart():
    one, other = Metrics(), Metrics()

    one.observations.inc()

    assert "wardwatch_observations_total 0.0" in other.text().decode()
