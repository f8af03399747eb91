from checks.finding import Severity


def test_the_most_urgent_severity_ranks_first():
    assert min(Severity, key=lambda severity: severity.rank) is Severity.CRITICAL
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
