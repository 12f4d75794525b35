"""From the settings to what rules may ask of the outside. What does not stand there does not exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub_agent.adapters.notify import NotifyErrand
from hub_agent.adapters.rest import RestErrand, RestSettings
from hub_agent.adapters.shell import ShellErrand
from hub_agent.config import Config, RestCommand
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.ports import Errand


@dataclass(frozen=True, slots=True)
class Allowed:
    """By action. `templates`: what of it the core renders before it is done. `channels`: by name the kind of each of `notify`. `pictures`: where they may be kept."""

    templates: Mapping[str, JsonObject]
    errands: Mapping[str, Errand]
    channels: Mapping[str, str] = field(default_factory=dict)
    pictures: Path | None = None


def allowed_by(config: Config) -> Allowed:
    templates: dict[str, JsonObject] = {}
    errands: dict[str, Errand] = {}
    for name, rest in config.rest_command.items():
        templates[f"rest_command.{name}"] = _asked(rest)
        errands[f"rest_command.{name}"] = RestErrand(_fixed(rest))
    for name, shell in config.shell_command.items():
        templates[f"shell_command.{name}"] = {"command": list(shell.command)}
        errands[f"shell_command.{name}"] = ShellErrand(shell.timeout_s)
    for name, channel in config.notify.items():
        errands[f"notify.{name}"] = NotifyErrand(channel.kind, channel.url, channel.token_file)
    if config.camera.folder is not None:
        templates |= {"camera.snapshot": {}, "image.snapshot": {}}
    return Allowed(templates, errands, {name: each.kind for name, each in config.notify.items()}, config.camera.folder)


def _asked(rest: RestCommand) -> JsonObject:
    headers: dict[str, JsonValue] = dict(rest.headers)
    return {"url": rest.url, "headers": headers, "payload": rest.payload}


def _fixed(rest: RestCommand) -> RestSettings:
    return RestSettings(
        method=rest.method,
        content_type=rest.content_type,
        timeout_s=rest.timeout_s,
        verify_tls=rest.verify_tls,
        username=rest.username,
        password_file=rest.password_file,
        token_file=rest.token_file,
    )
