"""What an agent can know, one kind of fact per file.

Adding a kind changes what leaves the workstation, so it is a step of its own:
someone should ask whether it may.
"""

from checks.facts.base import Fact
from checks.facts.kinds import KINDS

__all__ = ["KINDS", "Fact"]
