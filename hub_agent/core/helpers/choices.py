"""input_select: one of some options."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.helpers.kind import TEXT_CHARS_MAX, Kind, Settings, Told, bad_setting, text_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

OPTIONS_MAX = 500


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """`set_options` changes the options until the device is set up anew."""

    options: tuple[str, ...]
    initial: str | None

    verbs = frozenset({"select_option", "select_next", "select_previous", "select_first", "select_last", "set_options"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local
        options = self._options_then(kept) if kept is not None and is_start else self.options
        option = None if kept is None else kept.get("option")
        if is_start and self.initial is not None:
            option = self.initial
        if option not in options:
            option = self.initial if self.initial in options else options[0]
        return self._body(str(option), options)

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del local
        options = self._options_then(body)
        held = options.index(str(body["option"]))
        match verb:
            case "select_option":
                return Told(self._body(_one_of(options, text_of(data, "option")), options))
            case "select_next" | "select_previous":
                wanted = held + (1 if verb == "select_next" else -1)
                if data.get("cycle") is False:
                    wanted = min(max(wanted, 0), len(options) - 1)
                return Told(self._body(options[wanted % len(options)], options))
            case "select_first":
                return Told(self._body(options[0], options))
            case "select_last":
                return Told(self._body(options[-1], options))
        fresh = _options_in(data.get("options"))
        if fresh is None:
            raise NotPossible("options must be a list of texts, none of them twice")
        return Told(self._body(options[held] if options[held] in fresh else fresh[0], fresh))

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        return str(body["option"]), {"options": list(self._options_then(body))}

    def capabilities(self) -> Mapping[str, Capability]:
        return {"option": Capability("enum", "rw", options=self.options)}

    def _options_then(self, body: JsonObject) -> tuple[str, ...]:
        """Others than it was set up with, if these were the ones that were replaced."""
        replaced = _options_in(body.get("instead_of"))
        return _options_in(body.get("options")) or self.options if replaced == self.options else self.options

    def _body(self, option: str, options: tuple[str, ...]) -> JsonObject:
        if options == self.options:
            return {"option": option}
        return {"option": option, "options": list(options), "instead_of": list(self.options)}


def read_choice(settings: Settings) -> Choice:
    options = _options_in(settings.raw("options"))
    if options is None:
        raise bad_setting("options", f"must be a list of 1 to {OPTIONS_MAX} texts, none of them twice")
    initial = settings.text("initial")
    if initial is not None and initial not in options:
        raise bad_setting("initial", "must be one of the options")
    return Choice(options, initial)


def _one_of(options: tuple[str, ...], option: str) -> str:
    if option not in options:
        raise NotPossible(f'"{option}" is none of {", ".join(options)}')
    return option


def _options_in(value: JsonValue) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= OPTIONS_MAX:
        return None
    found = tuple(
        str(each) for each in value if isinstance(each, str | int | float) and len(str(each)) <= TEXT_CHARS_MAX
    )
    return found if len(found) == len(value) == len(set(found)) else None
