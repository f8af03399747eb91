"""Facts, policy and checks in; verdicts out.

The rule never sees absence: a needed state that was never reported or is older than its
age limit, or a rule that crashes on a fact, gives *unknown*, which is never pass.
"""

from collections.abc import Iterator, Mapping

import msgspec

from checks.check import CannotTell, Check, Context
from checks.facts.base import Fact
from checks.finding import Outcome, Verdict
from checks.policy import Endpoint, Policy


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The latest state fact of a kind and when it was seen (wall clock, us)."""

    fact: Fact
    at_us: int


class Evaluator:
    """Holds the checks by the kind of fact that they read; keeps no other state."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._by_kind: dict[type[Fact], tuple[Check, ...]] = {}
        for check in checks.values():
            for kind in check.on:
                self._by_kind[kind] = (*self._by_kind.get(kind, ()), check)

    def verdicts(  # noqa: PLR0913 - each is another thing that a judge must know
        self,
        fact: Fact,
        *,
        at_us: int,
        policy: Policy,
        endpoint: Endpoint,
        known: Mapping[type[Fact], Known],
        judged_us: int = 0,
    ) -> Iterator[Verdict]:
        """What every enabled check that reads this kind says; a pass is said, too.

        `judged_us` as in `Context`.  `known` must already hold `fact` itself when it is a state.
        """
        for check in self._by_kind.get(type(fact), ()):
            if not policy.settings(check.rule).enabled:
                continue
            if missing := _missing(check, at_us, known):
                yield Verdict(rule=check.rule, outcome=Outcome.UNKNOWN, why_unknown=missing)
                continue
            kinds = (*check.needs, *check.uses)
            needed = {kind: known[kind].fact for kind in kinds if kind in known}
            context = Context(
                policy=policy, endpoint=endpoint, at_us=at_us, judged_us=judged_us, known=needed
            )
            yield from _judged(check, fact, context)


def _judged(check: Check, fact: Fact, context: Context) -> Iterator[Verdict]:
    try:
        findings = list(check.judge(fact, context))
    except CannotTell as reason:
        yield Verdict(rule=check.rule, outcome=Outcome.UNKNOWN, why_unknown=str(reason))
        return
    except Exception as crash:  # noqa: BLE001 - a rule that cannot bear a fact is a verdict
        why = f"{check.rule} crashed: {type(crash).__name__}: {crash}"
        yield Verdict(rule=check.rule, outcome=Outcome.UNKNOWN, why_unknown=why)
        return
    for finding in findings:
        yield Verdict(
            rule=check.rule,
            outcome=Outcome.FAIL,
            finding=finding,
            severity=context.policy.severity(check.rule, finding.grade),
        )
    if not findings:
        yield Verdict(rule=check.rule, outcome=Outcome.PASS)


def _missing(check: Check, at_us: int, known: Mapping[type[Fact], Known]) -> str:
    for kind in check.needs:
        if kind not in known:
            return f"{kind.__name__} never reported"
        age_us = at_us - known[kind].at_us
        if age_us > check.max_age.total_seconds() * 1_000_000:
            return f"{kind.__name__} is {age_us // 60_000_000} minutes old"
    return ""
