"""Whether an entity can be reached, from one or several topics."""

from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers.homeassistant.options import Options, Wrong
from hub_agent.model.json import JsonObject
from hub_agent.templating import Template, Templates

ENTRIES_MAX: Final = 20
_MODES: Final = frozenset({"all", "any", "latest"})


@dataclass(frozen=True, slots=True)
class Source:
    """A topic and its words for reachable and not."""

    topic: str
    template: Template | None
    available: str
    not_available: str

    def read(self, text: str) -> bool | None:
        return True if text == self.available else False if text == self.not_available else None


@dataclass(slots=True)
class Availability:
    """What the topics said so far. `latest`: the last word counts."""

    sources: tuple[Source, ...]
    mode: str
    is_available: bool | None = None
    said: dict[int, bool] = field(default_factory=dict)

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for entities that are reachable together."""
        return (
            self.mode,
            *((source.topic, source.template and source.template.source, source.available) for source in self.sources),
        )

    def take_over(self, before: "Availability") -> None:
        self.is_available = before.is_available
        self.said = dict(before.said)

    def hear(self, place: int, *, is_available: bool) -> bool | None:
        self.said[place] = is_available
        said = self.said.values()
        if self.mode == "latest":
            self.is_available = is_available
        elif self.mode == "all":
            self.is_available = (
                False if not all(said) else True if len(said) == len(self.sources) else self.is_available
            )
        else:
            self.is_available = True if any(said) else False if len(said) == len(self.sources) else self.is_available
        return self.is_available


def read_availability(options: Options, templates: Templates) -> Availability | None:
    """None where the entity names no topics: it counts as reachable."""
    entries = options.config.get("availability")
    sources: tuple[Source, ...]
    if options.has("availability_topic"):
        if entries is not None:
            raise Wrong("key_wrong", "`availability` and `availability_topic` must not be given together")
        sources = (_read_source(options, "availability_topic", "availability_template"),)
    elif entries is None or entries == []:
        return None
    elif isinstance(entries, list) and len(entries) <= ENTRIES_MAX:
        sources = tuple(_read_entry(entry, place, templates) for place, entry in enumerate(entries))
    else:
        raise Wrong("key_wrong", f"`availability` must be a list of at most {ENTRIES_MAX} mappings")
    mode = options.text("availability_mode", "latest")
    if mode not in _MODES:
        raise Wrong("key_wrong", f"`availability_mode` must be all, any or latest, not {mode!r:.40}")
    return Availability(sources, mode)


def _read_entry(entry: object, place: int, templates: Templates) -> Source:
    if not isinstance(entry, dict):
        raise Wrong("key_wrong", f"`availability[{place}]` must be a mapping, not {entry!r:.40}")
    config: JsonObject = entry
    return _read_source(Options(config, templates), "topic", "value_template")


def _read_source(options: Options, topic_key: str, template_key: str) -> Source:
    topic = options.filter(topic_key)
    if topic is None:
        raise Wrong("key_missing", "`availability` names no `topic`")
    return Source(
        topic,
        options.template(template_key),
        options.text("payload_available", "online"),
        options.text("payload_not_available", "offline"),
    )
