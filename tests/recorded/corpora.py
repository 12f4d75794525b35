"""What every dialect was heard to say, for the tests that go over all of them: each `corpus.py` beside this file."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from hub_agent.model.link import Frame
from hub_agent.model.report import MqttMessage

Heard: TypeAlias = MqttMessage | Frame
HERE = Path(__file__).parent


@cache
def corpora() -> dict[str, tuple[Heard, ...]]:
    """By dialect, in an order in which its driver understands them."""
    names = sorted(path.parent.name for path in HERE.glob("*/corpus.py"))
    return {name: tuple(import_module(f"tests.recorded.{name}.corpus").corpus()) for name in names}
