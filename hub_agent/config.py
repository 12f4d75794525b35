"""Settings: read once, checked once, frozen. Each has a default; the file and the environment may say otherwise.

`nexa-hub run` looks for the file given by --config, then NEXA_CONFIG, then /etc/nexa-hub/nexa-hub.toml. A setting `key` of section
`section` is overridden by the environment variable NEXA_SECTION_KEY.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hub_agent.errors import ConfigError

DEFAULT_FILE = Path("/etc/nexa-hub/nexa-hub.toml")
DEFAULT_SOCKET = Path("/run/nexa-hub/nexa-hub.sock")

# Settings that are never shown again.
SECRETS = frozenset({"claim_code", "headers"})

Port = Annotated[int, Field(ge=1, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_nothing(cls, settings: Any) -> Any:
        """An empty text means none, where none is possible: `username = ""`."""
        if not isinstance(settings, dict):
            return settings
        fields = cls.model_fields
        empty = {
            key for key, value in settings.items() if value == "" and key in fields and fields[key].default is None
        }
        return {key: value for key, value in settings.items() if key not in empty}


class Agent(_Section):
    state_dir: Path = Field(Path("/var/lib/nexa-hub"), description="Where the mirror and the sessions are kept.")
    socket: Path = Field(DEFAULT_SOCKET, description="Unix socket at which the command line finds the agent.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")


class Web(_Section):
    host: str = Field("0.0.0.0", description="Address the page is served at; 127.0.0.1 for this machine only.")  # noqa: S104 the page is for the home's network and asks for pairing
    port: Port = Field(8380, description="Port of the page.")
    names: tuple[str, ...] = Field(
        (), description="Further host names the page may be asked for by.", examples=["hub.example.com"]
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        description="Addresses or networks of reverse proxies: whom they speak for (X-Forwarded-For, X-Forwarded-Proto) is believed.",
        examples=["127.0.0.1"],
    )
    tls: Literal["own", "given", "off"] = Field(
        "own",
        description="Whose certificate answers https:// at that port. own: the hub's, made when it is first asked for; given: the one below.",
    )
    plain: bool = Field(
        True,
        description="Whether http:// is answered, too; if not, browsers are sent to https://, and programs refused. Webhooks always are.",
    )
    certificate: Path | None = Field(
        None,
        description="Where the given one counts: file with the certificate and its chain (PEM), read anew when it changes.",
        examples=["/etc/nexa-hub/tls/fullchain.pem"],
    )
    certificate_key: Path | None = Field(
        None, description="File with its key, readable by the agent only.", examples=["/etc/nexa-hub/tls/privkey.pem"]
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        is_given = self.certificate is not None and self.certificate_key is not None
        if self.tls == "given" and not is_given:
            raise ValueError('tls = "given" needs certificate and certificate_key')
        if self.tls == "off" and not self.plain:
            raise ValueError('tls = "off" and plain = false leave nothing that is answered')
        return self


class Mqtt(_Section):
    host: str = Field("127.0.0.1", description="Where the MQTT broker is.")
    port: Port = Field(1883, description="Its port.")
    username: str | None = Field(None, description="User name, if the broker asks for one.", examples=["nexa-hub"])
    password_file: Path | None = Field(
        None,
        description="File that holds the password, readable by the agent only.",
        examples=["/etc/nexa-hub/mqtt-password"],
    )
    tls: bool = Field(False, description="Whether to speak TLS with the broker.")
    discovery_prefix: str = Field("homeassistant", description="Prefix of Home Assistant MQTT discovery.")
    zigbee2mqtt_topics: tuple[str, ...] = Field(
        ("zigbee2mqtt",), description="Base topics of Zigbee2MQTT; others of one level are found by themselves."
    )


class Cloud(_Section):
    url: str | None = Field(
        None,
        description="Address of the cloud's gateway; none: the hub stays at home.",
        examples=["https://hub.example.com"],
    )
    claim_code: str | None = Field(
        None, description="One-time code that makes this hub part of a home.", examples=["ABCD-EFGH-JKLM"]
    )
    claim_code_file: Path | None = Field(None, description="The same in a file.", examples=["/etc/nexa-hub/claim-code"])
    bandwidth_kbit_s: float | None = Field(
        None,
        ge=8,
        le=1_000_000,
        description="The most that is sent to the cloud, in kbit/s; none: no limit.",
        examples=[256],
    )
    metered: bool = Field(
        False,
        description="Whether the connection is paid for by the byte: states then go once an hour, measurements once a day, what is critical at once; news are asked for every five minutes.",
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// on your own network)")
        return url.rstrip("/") if url else url


class Home(_Section):
    """Used until the cloud says what the home is."""

    name: str = Field("Home", description="Name of the home.")
    timezone: str = Field("UTC", description="IANA time zone, such as Europe/Berlin.")
    latitude: float = Field(0.0, ge=-90, le=90, description="For sunrise and sunset.")
    longitude: float = Field(0.0, ge=-180, le=180, description="For sunrise and sunset.")

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as err:
            raise ValueError("is not an IANA time zone such as Europe/Berlin") from err
        return name


def _address(text: str) -> str:
    parts = urlsplit(text)
    try:
        is_address = bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_address = False
    if not is_address:
        raise ValueError("must be of the form DIALECT://HOST or DIALECT://HOST:PORT, such as esphome://10.0.0.7:6053")
    return text


class Discovery(_Section):
    """What announces itself on the local network, and the hub to it."""

    mdns: bool = Field(True, description="Whether to listen to mDNS, and to announce the hub by it.")
    ssdp: bool = Field(True, description="Whether to listen to SSDP as well; needs nexa-hub[upnp].")
    search: bool = Field(
        True, description="Whether dialects may look for devices in ways of their own, such as LIFX's."
    )
    interfaces: tuple[str, ...] = Field(
        (), description="Network interfaces to listen at; none: all of the home's.", examples=["eth0"]
    )
    addresses: tuple[Annotated[str, AfterValidator(_address)], ...] = Field(
        (), description="Devices and servers that do not announce themselves.", examples=["esphome://10.0.0.7:6053"]
    )


def _unit(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9:_.@-]{1,200}\.service", name):
        raise ValueError("must name a service of systemd, such as mosquitto.service")
    return name


def _host_and_port(text: str) -> str:
    parts = urlsplit(f"//{text}")
    try:
        is_given = bool(parts.hostname) and parts.port is not None
    except ValueError:
        is_given = False
    if not is_given:
        raise ValueError("must be of the form HOST:PORT, such as example.com:443")
    return text


class Healing(_Section):
    """What the hub may do about itself and what it depends on."""

    units: tuple[Annotated[str, AfterValidator(_unit)], ...] = Field(
        ("mosquitto.service",),
        description="Services of this machine that the hub may restart when they do not answer; run deploy/install.sh again after a change. None: [].",
    )
    internet: tuple[Annotated[str, AfterValidator(_host_and_port)], ...] = Field(
        (),
        description="Addresses that are connected to once a minute to tell whether the internet is there; none: only the cloud tells.",
        examples=["example.com:443"],
    )


class Security(_Section):
    scan: bool = Field(
        True,
        description="Whether the hub looks once a week, slowly, at its own devices for what is open to everybody; no password is tried.",
    )


class Scenes(_Section):
    kept_by_bridges: bool = Field(
        True,
        description="Whether scenes of three and more lights are kept by Zigbee groups and Hue bridges as well: one word moves them all.",
    )


class Camera(_Section):
    folder: Path | None = Field(
        None,
        description="Folder in which camera.snapshot may keep pictures, and in no other; none: it keeps none.",
        examples=["/var/lib/nexa-hub/pictures"],
    )


def _http(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url


def _http_or_template(url: str) -> str:
    """What a template makes of it is looked at when it is asked."""
    return url if url.lstrip().startswith(("{{", "{%")) else _http(url)


class RestCommand(_Section):
    """What `rest_command.<name>` asks of the web. Rules may call it because it stands here."""

    url: Annotated[str, AfterValidator(_http_or_template)] = Field(
        description="Where to; may be a template, which sees the data of the call.",
        examples=["http://192.168.1.20/api/{{ room }}"],
    )
    method: Literal["get", "post", "put", "patch", "delete"] = Field("get", description="How.")
    headers: dict[str, str] = Field(
        {}, description="Further headers; their values may be templates.", examples=[{"accept": "application/json"}]
    )
    payload: str | None = Field(
        None, description="The body; may be a template.", examples=["{{ {'level': level} | to_json }}"]
    )
    content_type: str | None = Field(None, description="What the body is.", examples=["application/json"])
    timeout_s: float = Field(10.0, gt=0, le=600, description="How long it may take.")
    verify_tls: bool = Field(True, description="Whether the other side must prove who it is.")
    username: str | None = Field(None, description="User name, if it asks for one.", examples=["nexa"])
    password_file: Path | None = Field(
        None, description="File that holds the password.", examples=["/etc/nexa-hub/lights-password"]
    )
    token_file: Path | None = Field(
        None, description="File that holds a bearer token.", examples=["/etc/nexa-hub/lights-token"]
    )


class ShellCommand(_Section):
    """What `shell_command.<name>` starts: a program and its arguments, no shell."""

    command: tuple[str, ...] = Field(
        min_length=1,
        description="The program by its full path, and its arguments; each argument may be a template, and stays one argument.",
        examples=[("/usr/local/bin/blink", "--times", "{{ times }}")],
    )
    timeout_s: float = Field(60.0, gt=0, le=600, description="How long it may take before it is killed.")

    @field_validator("command")
    @classmethod
    def _names_a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not command[0].startswith("/") or "{{" in command[0] or "{%" in command[0]:
            raise ValueError("must begin with the full path of a program, which is no template")
        return command


class NotifyChannel(_Section):
    """Where messages go: `notify.<name>` goes here, every other `notify` to all channels."""

    kind: Literal["ntfy", "webhook"] = Field(
        description="ntfy: a topic of an ntfy server; webhook: the message as JSON."
    )
    url: Annotated[str, AfterValidator(_http)] = Field(
        description="The topic's or the webhook's address.", examples=["https://ntfy.sh/our-home-7f3a"]
    )
    token_file: Path | None = Field(
        None, description="File that holds a bearer token.", examples=["/etc/nexa-hub/ntfy-token"]
    )


class Backup(_Section):
    """One a day, with what the home needs to go on with on another machine; `nexa-hub restore` puts one back."""

    folder: Path | None = Field(
        None,
        description="Where to, best another disk than the mirror's; none: no backups by themselves.",
        examples=["/mnt/backup"],
    )
    kept: int = Field(7, ge=1, le=1000, description="How many are kept there.")
    passphrase_file: Path | None = Field(
        None,
        description="File that holds the passphrase they are encrypted with; none: they are not.",
        examples=["/etc/nexa-hub/backup-passphrase"],
    )


# A name after the dot of `rest_command.<name>`.
Named = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class Config(_Section):
    agent: Agent = Agent()
    web: Web = Web()
    mqtt: Mqtt = Mqtt()
    cloud: Cloud = Cloud()
    home: Home = Home()
    discovery: Discovery = Discovery()
    healing: Healing = Healing()
    security: Security = Security()
    scenes: Scenes = Scenes()
    camera: Camera = Camera()
    backup: Backup = Backup()
    rest_command: dict[Named, RestCommand] = {}
    shell_command: dict[Named, ShellCommand] = {}
    notify: dict[Named, NotifyChannel] = {}


# Sections that may be there several times, each with a name: [rest_command.lights_off].
NAMED_SECTIONS: Mapping[str, tuple[type[_Section], str]] = {
    "rest_command": (RestCommand, "lights_off"),
    "shell_command": (ShellCommand, "blink"),
    "notify": (NotifyChannel, "phone"),
}


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Those that are there once."""
    for name, section in Config.model_fields.items():
        kind = section.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield name, kind


def load_config(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Reads the settings. Raises ConfigError that names the file, the setting and what is allowed."""
    environ = os.environ if environ is None else environ
    path = settings_file(path, environ)
    settings = _read(path) if path else {}
    _override(settings, environ)
    try:
        return Config.model_validate(settings)
    except ValidationError as err:
        raise ConfigError(_in_words(err, path)) from err


def settings_file(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Path | None:
    """The file that is read; None: there is none, and the defaults hold."""
    named = (os.environ if environ is None else environ).get("NEXA_CONFIG")
    if path is None and named:
        path = Path(named)
    if path is None:
        path = DEFAULT_FILE if _is_there(DEFAULT_FILE) else None
    return path


def read_secret(path: Path) -> str:
    """A secret's file without its last line break. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path} cannot be read: {err}. Put the secret there, readable by the agent's user.") from err


def _is_there(path: Path) -> bool:
    """Also when this user may not look into its folder: reading it then says so."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _read(path: Path) -> dict[str, dict[str, object]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise ConfigError(
            f"There is no settings file {path}. Give another with --config, or none to use defaults."
        ) from err
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"The settings file {path} cannot be read: {err}") from err
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(
            f"The settings file {path} is not TOML: {err}. Mend that line, or move the file away."
        ) from err
    settings: dict[str, dict[str, object]] = {}
    for name, section in parsed.items():
        if name in Config.model_fields and not isinstance(section, dict):
            raise ConfigError(f"{path}: '{name}' must be a section, written [{name}].")
        settings[name] = section
    return settings


def _override(settings: dict[str, dict[str, object]], environ: Mapping[str, str]) -> None:
    for section_name, kind in _sections():
        for key, field in kind.model_fields.items():
            value = environ.get(f"NEXA_{section_name}_{key}".upper())
            if value is None:
                continue
            is_list = str(field.annotation).startswith("tuple")
            chosen: object = [part.strip() for part in value.split(",") if part.strip()] if is_list else value
            settings.setdefault(section_name, {})[key] = chosen


def _in_words(err: ValidationError, path: Path | None) -> str:
    where = str(path) if path else "the environment"
    lines = []
    for fault in err.errors():
        spelled = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown setting '{spelled}'.{_did_you_mean(fault['loc'])}")
            continue
        said = fault["msg"].removeprefix("Value error, ")
        meant = _meant(fault["loc"])
        lines.append(
            f"{where}: '{spelled}' {said[0].lower()}{said[1:]} ({_shown(fault['loc'], fault['input'])}).{meant}"
        )
    return "\n".join(lines)


def _meant(loc: tuple[int | str, ...]) -> str:
    """What the setting is for, in the words of the settings file."""
    section = dict(_sections()).get(str(loc[0])) if len(loc) > 1 else None
    known = section.model_fields.get(str(loc[1])) if section else None
    return f" What it is: {known.description}" if known and known.description else ""


def _shown(loc: tuple[int | str, ...], value: object) -> str:
    """A secret does not go into a log, however wrong it is."""
    return "it is not shown" if loc[-1] in SECRETS else f"it is {value!r}"


def _did_you_mean(loc: tuple[int | str, ...]) -> str:
    known: list[str] = list(Config.model_fields)
    if len(loc) > 1:
        name = str(loc[0])
        section = NAMED_SECTIONS[name][0] if name in NAMED_SECTIONS else dict(_sections())[name]
        known = list(section.model_fields)
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f" Did you mean '{near[0]}'?" if near else f" Known here: {', '.join(known)}."


def render_default() -> str:
    """The settings file with every setting, commented out, as deploy/nexa-hub.toml holds it."""
    lines = [
        "# Settings of nexa-hub. Every setting has a default, which stands here; what has none is shown by an example.",
        "# Uncomment what you change. The environment may override each: NEXA_MQTT_HOST for host of [mqtt].",
        "",
    ]
    for section_name, kind in _sections():
        lines += [f"[{section_name}]", *_lines_of(kind), ""]
    lines += [
        "# The sections below may be there any number of times, each with its own name. There is none unless you write one:",
        "# rules may call only what stands here.",
        "",
    ]
    for section_name, (named, name) in NAMED_SECTIONS.items():
        lines += [f"# {' '.join((named.__doc__ or '').split())}", f"# [{section_name}.{name}]", *_lines_of(named), ""]
    return "\n".join(lines)


def _lines_of(kind: type[BaseModel]) -> Iterator[str]:
    for key, field in kind.model_fields.items():
        shown = field.default
        if shown in (None, (), {}, PydanticUndefined):
            example = field.examples[0] if field.examples else _first_choice(field)
            shown = (example,) if shown == () else example
        yield f"# {field.description}"
        yield f"# {key} = {_as_toml(shown)}"


def _first_choice(field: FieldInfo) -> object:
    return next(iter(get_args(field.annotation)), "")


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_as_toml(part) for part in value) + "]"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_as_toml(part)}" for key, part in value.items()) + " }"
    return f'"{value}"'
