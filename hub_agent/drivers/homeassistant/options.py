"""Reads one entity's configuration: each key has a type, and what is wrong is said by the key's name."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from hub_agent.errors import TemplateError
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import Template, Templates

TOPIC_CHARS_MAX: Final = 1024
TEXTS_MAX: Final = 500
TEXT_CHARS_MAX: Final = 16_384

_YES: Final = frozenset({"1", "true", "yes", "on", "enable"})
_NO: Final = frozenset({"0", "false", "no", "off", "disable"})


class Wrong(Exception):
    """A configuration that cannot be used. `code` stays the same for the same fault."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Options:
    """Raises Wrong where a key is missing or of the wrong type."""

    def __init__(self, config: JsonObject, templates: Templates) -> None:
        self.config = config
        self._templates = templates

    def has(self, *keys: str) -> bool:
        return any(self.config.get(key) is not None for key in keys)

    def text(self, key: str, default: str) -> str:
        """Numbers and truths are taken as they are written: many devices say `"payload_on": 1`."""
        value = self.config.get(key)
        if value is None:
            return default
        return self._as_text(key, value)

    def optional_text(self, key: str) -> str | None:
        value = self.config.get(key)
        return None if value is None else self._as_text(key, value)

    def needed_text(self, key: str) -> str:
        value = self.config.get(key)
        if value is None:
            raise Wrong("key_missing", f"`{key}` is missing")
        return self._as_text(key, value)

    def _as_text(self, key: str, value: JsonValue) -> str:
        if isinstance(value, bool):
            return str(value)
        if not isinstance(value, str | int | float):
            raise Wrong("key_wrong", f"`{key}` must be text, not {_kind(value)}")
        text = str(value)
        if len(text) > TEXT_CHARS_MAX:
            raise Wrong("key_wrong", f"`{key}` may have at most {TEXT_CHARS_MAX} characters")
        return text

    def number(self, key: str, default: float) -> float:
        found = self.optional_number(key)
        return default if found is None else found

    def optional_number(self, key: str) -> float | None:
        value = self.config.get(key)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # lists and mappings raise
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise Wrong("key_wrong", f"`{key}` must be a number, not {value!r:.60}")
        return number

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.config.get(key)
        if value is None:
            return default
        text = str(value).lower()
        if isinstance(value, bool | int | str) and text in _YES | _NO:
            return text in _YES
        raise Wrong("key_wrong", f"`{key}` must be true or false, not {value!r:.60}")

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.config.get(key)
        if value is None:
            return tuple(default)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or len(values) > TEXTS_MAX:
            raise Wrong("key_wrong", f"`{key}` must be a list of at most {TEXTS_MAX} texts")
        return tuple(self._as_text(key, each) for each in values)

    def filter(self, key: str) -> str | None:
        """A topic to listen to; wildcards are allowed, but not the whole broker."""
        topic = self._topic(key)
        if topic is None:
            return None
        levels = topic.split("/")
        if levels[0] == "#" or all(level == "+" for level in levels):
            raise Wrong("key_wrong", f"`{key}` asks for every message there is: {topic!r}")
        if any(
            ("#" in level and (level != "#" or place != len(levels) - 1)) or ("+" in level and level != "+")
            for place, level in enumerate(levels)
        ):
            raise Wrong("key_wrong", f"`{key}` has a wildcard where none may be: {topic!r:.100}")
        return topic

    def target(self, key: str) -> str | None:
        """A topic to publish to."""
        topic = self._topic(key)
        if topic is not None and ("#" in topic or "+" in topic):
            raise Wrong("key_wrong", f"`{key}` has a wildcard, which cannot be published to: {topic!r:.100}")
        return topic

    def _topic(self, key: str) -> str | None:
        value = self.config.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value or len(value) > TOPIC_CHARS_MAX or "\0" in value:
            raise Wrong(
                "key_wrong", f"`{key}` must be a topic of at most {TOPIC_CHARS_MAX} characters, not {value!r:.60}"
            )
        return value

    def template(self, key: str) -> Template | None:
        value = self.config.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Wrong("key_wrong", f"`{key}` must be a template, not {_kind(value)}")
        if not value.strip():
            return None  # firmware fills in all keys, also those it has nothing for
        try:
            return self._templates.compile(value)
        except TemplateError as err:
            raise Wrong("template_wrong", f"`{key}`: {err}") from err

    def render_limited(self, key: str) -> str | None:
        """A text that may be a template without values."""
        text = self.optional_text(key)
        if text is None or "{" not in text:
            return text
        try:
            return self._templates.compile(text).render()
        except TemplateError as err:
            raise Wrong("template_wrong", f"`{key}`: {err}") from err


def require(options: Options, *keys: str) -> None:
    for key in keys:
        if not options.has(key):
            raise Wrong("key_missing", f"`{key}` is missing")


def _kind(value: JsonValue) -> str:
    return "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else type(value).__name__
