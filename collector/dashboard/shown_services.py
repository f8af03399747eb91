"""Name servers, proxies and remote tools as lines for people."""

from checks.facts.names import CanaryAnswered, NameServerUsed, ResolverState
from checks.facts.proxies import Proxy, ProxyState, Relay
from checks.facts.remote_tools import RemoteToolState
from checks.wording import endpoint_of
from collector.dashboard.lines import Line, Lines
from collector.dashboard.shown_who import account, called, way, who
from collector.dashboard.wording import Words


def resolvers(fact: ResolverState, words: Words) -> Lines:
    say = words.says.gettext
    for resolver in fact.resolvers:
        yield Line(label=resolver.address, text=resolver.source, mono=True)
    if not fact.resolvers:
        yield Line(label=say("Name servers"), text=say("none configured"))


def name_server(fact: NameServerUsed, words: Words) -> Lines:
    say, word = words.says.gettext, words.says.word
    yield Line(label=say("Name server"), text=fact.server, mono=True)
    yield Line(label=say("Asked by"), text=word("transport", fact.transport))
    yield Line(label=say("Result"), text=say("answered") if fact.answered else say("no answer"))
    yield Line(label=say("Queries"), text=f"{fact.queries:,}")
    yield from who(fact.process, words)
    yield from way(fact.egress, words)
    yield Line(label=say("First query"), moment_us=fact.first_seen_us)


def canary(fact: CanaryAnswered, words: Words) -> Lines:
    say = words.says.gettext
    yield Line(label=say("Name server"), text=fact.server, mono=True)
    yield Line(label=say("Canary name"), text=fact.name, mono=True)
    yield Line(label=say("Answered with"), text=", ".join(fact.addresses), mono=True)
    yield from way(fact.egress, words)


def proxies(fact: ProxyState, words: Words) -> Lines:
    say = words.says.gettext
    for setting in fact.proxies:
        yield Line(label=words.says.word("proxy_how", setting.how), text=_setting(setting, words))
    for relay in fact.relays:
        yield Line(label=say("Relays for others"), text=_relay(relay, words))
    if not fact.proxies and not fact.relays:
        yield Line(label=say("Proxies"), text=say("none configured"))


def _setting(setting: Proxy, words: Words) -> str:
    where = endpoint_of(setting.address, setting.port)
    named = where if "://" in where or not setting.scheme else f"{setting.scheme}://{where}"
    used = words.says.gettext("in use") if setting.in_use else ""
    return " · ".join(part for part in (named, used, setting.source) if part)


def _relay(relay: Relay, words: Words) -> str:
    port = words.says.format("port {port}", {"port": str(relay.port)})
    told = (called(relay.process), account(relay.process), f"{port} → {relay.onward}")
    return " · ".join(part for part in told if part)


def remote_tools(fact: RemoteToolState, words: Words) -> Lines:
    say = words.says.gettext
    for found in fact.tools:
        purpose = words.says.word("remote_purpose", found.purpose)
        told = (purpose, called(found.process), account(found.process))
        yield Line(label=found.tool, text=" · ".join(part for part in told if part))
    if not fact.tools:
        yield Line(label=say("Remote tools"), text=say("none running"))
