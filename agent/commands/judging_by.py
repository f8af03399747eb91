"""The policy that a command judges by when the service does not."""

from pathlib import Path

from agent.config import ConfigError, Settings
from agent.identity import IdentityFolder, NotEnrolled
from agent.policy_cache import POLICY_FILE, PolicyCache, built_in, local_document
from checks.policy import PolicyDocument, PolicyError, parse_policy


def document_for(settings: Settings, policy_file: Path | None) -> PolicyDocument:
    """The named policy, else the one that the service holds, else the defaults.

    Raises:
        ConfigError: the named file cannot be used.
    """
    if policy_file is not None:
        try:
            return local_document(parse_policy(policy_file.read_text("utf-8")))
        except OSError as unreadable:
            raise ConfigError(f"{policy_file}: {unreadable.strerror}") from unreadable
        except (UnicodeDecodeError, PolicyError) as wrong:
            raise ConfigError(f"{policy_file}: {wrong}") from wrong
    try:
        identity = IdentityFolder(settings.state).load()
    except (NotEnrolled, OSError):
        return built_in("")
    cache = PolicyCache(settings.state / POLICY_FILE, identity, identity.agent)
    cache.load()
    return cache.held.document
