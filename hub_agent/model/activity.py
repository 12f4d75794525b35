"""What happened and who did it, in words that can be said in other languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hub_agent.model.json import JsonObject
from hub_agent.model.value import value

Filling: TypeAlias = "str | int | float | Phrase"


@value
class Phrase:
    """`words` in English with {gaps}, which is also the key of other languages; what fills a gap may be a phrase itself."""

    words: str
    filling: Mapping[str, Filling]

    @property
    def text(self) -> str:
        told = self.words
        for name, each in self.filling.items():
            told = told.replace(f"{{{name}}}", each.text if isinstance(each, Phrase) else str(each))
        return told

    def as_json(self) -> JsonObject:
        filling = {name: each.as_json() if isinstance(each, Phrase) else each for name, each in self.filling.items()}
        return {"words": self.words, "filling": filling}


def say(words: str, **filling: Filling) -> Phrase:
    return Phrase(words, filling)


@value
class Who:
    """kind: person | automation | scene | cloud | healing | device | hub. `id`: by which it is found again: a person's is the name."""

    kind: str
    id: str
    phrase: Phrase


@value
class Happened:
    """kind: see ports.Activity. `devices`: ids of those that it is about; `failed`: why it did not work."""

    kind: str
    who: Who
    phrase: Phrase
    devices: tuple[str, ...] = ()
    failed: "str | Phrase | None" = None

    def as_json(self) -> JsonObject:
        phrase = Phrase(self.phrase.words, {**self.phrase.filling, "who": self.who.phrase})
        return {
            **phrase.as_json(),
            "text": phrase.text,
            "who": {"kind": self.who.kind, "id": self.who.id, "name": self.who.phrase.text},
            "failed": self.failed.text if isinstance(self.failed, Phrase) else self.failed,
            "because": self.failed.as_json() if isinstance(self.failed, Phrase) else None,
        }


@dataclass(frozen=True, slots=True)
class ActivityAsked:
    """Which entries of what happened: numbered below `before` and above `after`. `who`: a kind, or kind:id."""

    before: int | None = None
    after: int = 0
    kind: str | None = None
    who: str | None = None
    device: str | None = None
    limit: int = 50
