"""nexa-hub: the agent that runs a home."""

__version__ = "0.1.0"
