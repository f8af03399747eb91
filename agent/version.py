"""The version that the agent tells."""

VERSION = "0.1.0"
