"""`rest_command` and `shell_command` of a configuration, as settings of this hub: to be looked at, and pasted, by a person.

Nothing of it is imported: what rules may start or ask of the web is decided on the hub, in its configuration.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from hub_agent.importing.folder import Folder
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import Missing, PlacedMap

COMMAND_DOMAINS: Final = ("rest_command", "shell_command")
_NAME: Final = re.compile(r"^[a-z0-9_]{1,64}$")
# What only a shell understands: pipes, redirections, several commands.
_OF_A_SHELL: Final = re.compile(r"[|&;<>`$\n]")
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})


def settings_for(folder: Folder, commands: Mapping[str, JsonValue]) -> str:
    """A piece of nexa-hub.toml. `commands`: as they are written, by `rest_command.<name>`."""
    parts: list[str] = []
    for action, config in sorted(commands.items()):
        domain, _, name = action.partition(".")
        if _NAME.match(name):
            lines = _rest(config) if domain == "rest_command" else _shell(config)
            parts.append("\n".join([f"[{action}]", *lines]))
    return folder.masked("\n\n".join(parts))


def _rest(config: JsonValue) -> Iterator[str]:
    said: Mapping[str, JsonValue] = config if isinstance(config, PlacedMap) else {}
    url = said.get("url")
    if not isinstance(url, str) or isinstance(url, Missing):
        yield '# url = "..."  # is not among the files'
    else:
        yield f"url = {_text(url)}"
    method = str(said.get("method", "get")).lower()
    if method in _METHODS:
        yield f"method = {_text(method)}"
    headers = said.get("headers")
    if isinstance(headers, Mapping) and headers:
        inside = ", ".join(f"{_text(str(key))} = {_text(str(value))}" for key, value in headers.items())
        yield f"headers = {{ {inside} }}"
    for key in ("payload", "content_type", "username"):
        if isinstance(said.get(key), str):
            yield f"{key} = {_text(str(said[key]))}"
    if isinstance(said.get("timeout"), int | float):
        yield f"timeout_s = {float(str(said['timeout']))}"
    if said.get("verify_ssl") is False:
        yield "verify_tls = false"
    if "password" in said:
        yield '# password_file = "..."  # a file that holds the password'


def _shell(config: JsonValue) -> Iterator[str]:
    text = str(config)
    try:
        arguments = [] if _OF_A_SHELL.search(_without_templates(text)) else _arguments(text)
    except ValueError:
        arguments = []
    if not arguments:
        yield f"# needs a shell: put it into a script, and name that: {_text(text)}"
        yield '# command = ["/usr/local/bin/..."]'
        return
    if not arguments[0].startswith("/"):
        yield f"# the program by its full path; Home Assistant found {arguments[0]!r} by itself"
        yield f"# command = {json.dumps(arguments, ensure_ascii=False)}"
        return
    yield f"command = {json.dumps(arguments, ensure_ascii=False)}"


_TEMPLATE: Final = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)


def _without_templates(text: str) -> str:
    return _TEMPLATE.sub("", text)


def _arguments(text: str) -> list[str]:
    """A template stays in one argument, with its spaces and quotes."""
    templates = _TEMPLATE.findall(text)
    numbers = iter(range(len(templates)))
    split = shlex.split(_TEMPLATE.sub(lambda _: f"\0{next(numbers)}\0", text))
    return [re.sub(r"\0(\d+)\0", lambda found: templates[int(found[1])], each) for each in split]


def _text(value: str) -> str:
    """A text of TOML: JSON's are understood, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
