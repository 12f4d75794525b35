"""What a function answers with when it cannot read what it got."""

from typing import Any, Final

from hub_agent.templating.bounds import to_text

NOT_GIVEN: Final = object()


def or_default(what: str, value: Any, default: Any) -> Any:
    if default is not NOT_GIVEN:
        return default
    raise ValueError(f"{what} got {to_text(value)[:60]!r}, which it cannot read, and no default was given")
