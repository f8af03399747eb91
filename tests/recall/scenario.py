"""What a scenario is, and the words in which scenarios are written."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.recall import acts
from tests.recall.truth import Reach
from tests.recall.world import World

Act = Callable[[World], None]
_KNOWN_AFTER_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`rules` is the exact set that must speak.  `reach` is what the capture must have seen
    outside: a scenario that did not happen proves nothing.  `known_miss`: why the product does
    not manage it yet; it counts as missed all the same.
    """

    name: str
    theme: str
    reach: Reach
    act: Act
    rules: frozenset[str] = frozenset()
    known_miss: str = ""


def inside(function: Callable[..., None], *words: object, **named: object) -> Act:
    """The workstation does it."""

    def act(world: World) -> None:
        world.workstation.call(function, *words, **named)

    return act


def shell(script: str) -> Act:
    return lambda world: world.shell(script)


def then(*steps: Act) -> Act:
    def act(world: World) -> None:
        for step in steps:
            step(world)

    return act


def plug(world: World) -> None:
    world.second_link()
    acts.pause(_KNOWN_AFTER_S)  # so that what follows meets a link that is known


def scenarios(
    theme: str, reach: Reach, rules: str, *named: tuple[str, Act], known_miss: str = ""
) -> tuple[Scenario, ...]:
    return tuple(
        Scenario(
            name=name, theme=theme, reach=reach, act=act, rules=frozenset(rules.split()),
            known_miss=known_miss,
        )
        for name, act in named
    )  # fmt: skip
