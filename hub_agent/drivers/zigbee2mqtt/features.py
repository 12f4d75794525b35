"""The entries of `exposes`, checked: what a model says that it can report and do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.drivers.zigbee2mqtt.classes import title, unit_of
from hub_agent.model.json import JsonObject, JsonValue

Scalar = str | int | float | bool

FEATURES_MAX: Final = 300
FEATURES_DEPTH_MAX: Final = 4
VALUES_MAX: Final = 256
NAME_CHARS_MAX: Final = 120

_PUBLISHED: Final = 0b001
_SETTABLE: Final = 0b010
_GETTABLE: Final = 0b100


@dataclass(frozen=True, slots=True)
class Feature:
    """`kind` is the expose's type: light, switch, ... with features of their own, or binary, numeric, enum, text, composite, list."""

    kind: str
    name: str
    property_name: str
    label: str
    access: int = _PUBLISHED
    endpoint: str | None = None
    category: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    values: tuple[Scalar, ...] = ()
    on: Scalar | None = None
    off: Scalar | None = None
    toggle: Scalar | None = None
    features: tuple["Feature", ...] = ()

    @property
    def is_published(self) -> bool:
        return bool(self.access & _PUBLISHED)

    @property
    def is_settable(self) -> bool:
        return bool(self.access & _SETTABLE)

    @property
    def is_gettable(self) -> bool:
        return bool(self.access & _GETTABLE)

    def role(self, name: str, kind: str | None = None) -> "Feature | None":
        """Its feature of that name."""
        for feature in self.features:
            if feature.name == name and kind in {None, feature.kind}:
                return feature
        return None


def read_features(exposes: JsonValue) -> tuple[Feature, ...]:
    return tuple(_read_all(exposes, 1))


def _read_all(exposes: JsonValue, depth: int) -> Iterator[Feature]:
    for count, body in enumerate(fields.objects(exposes)):
        if count == FEATURES_MAX:
            return
        feature = _read(body, depth)
        if feature is not None:
            yield feature


def _read(body: JsonObject, depth: int) -> Feature | None:
    kind = fields.text(body, "type")
    if kind is None:
        return None
    features = tuple(_read_all(body.get("features"), depth + 1)) if depth < FEATURES_DEPTH_MAX else ()
    name = fields.text(body, "name") or kind
    given = fields.text(body, "property") or (name if not features else "")
    if max(len(name), len(given)) > NAME_CHARS_MAX:
        return None
    return Feature(
        kind=kind,
        name=name,
        property_name=given,
        label=(fields.text(body, "label") or title(name))[:NAME_CHARS_MAX],
        # The first versions of exposes had no access bits; what they listed was published.
        access=fields.whole(body, "access") or (_PUBLISHED if not features else 0),
        endpoint=_endpoint(body),
        category=_category(body),
        unit=unit_of(fields.text(body, "unit")),
        min=fields.number(body, "value_min"),
        max=fields.number(body, "value_max"),
        step=fields.number(body, "value_step"),
        values=tuple(_scalars(fields.listed(body, "values"))),
        on=_scalar(body.get("value_on")),
        off=_scalar(body.get("value_off")),
        toggle=_scalar(body.get("value_toggle")),
        features=features,
    )


def _endpoint(body: JsonObject) -> str | None:
    endpoint = body.get("endpoint")
    return (
        str(endpoint)[:NAME_CHARS_MAX] if isinstance(endpoint, str | int) and not isinstance(endpoint, bool) else None
    )


def _category(body: JsonObject) -> str | None:
    category = fields.text(body, "category")
    return category if category in {"config", "diagnostic"} else None


def _scalars(values: Iterable[JsonValue]) -> Iterator[Scalar]:
    for count, value in enumerate(values):
        scalar = _scalar(value)
        if scalar is not None and count < VALUES_MAX:
            yield scalar


def _scalar(value: JsonValue) -> Scalar | None:
    return value if isinstance(value, str | int | float | bool) else None
