"""What is wrong with a policy."""


class PolicyError(Exception):
    """The policy cannot be used; the message names the place and what was meant."""
