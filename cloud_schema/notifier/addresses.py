"""What people give as addresses, made into services; or refused in words that they can act on."""

import re
import warnings
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from apprise import Apprise, AppriseAsset
from apprise.plugins.base import NotifyBase

with warnings.catch_warnings():
    # On Python 3.11 one of the services looks for a module that later ones no longer have.
    warnings.simplefilter("ignore", DeprecationWarning)
    from apprise.plugins.custom_json import NotifyJSON

    Apprise.instantiate("json://localhost")  # loads all services, at once and not in the middle of a message

ADDRESS_LENGTH_MAX = 2000
# Services that need no more than a URL. What reaches into this machine (dbus, syslog, files ...) is not among them.
PUSH_SCHEMES = frozenset(
    [
        "ntfy",
        "ntfys",
        "gotify",
        "gotifys",
        "pover",
        "pbul",
        "prowl",
        "tgram",
        "discord",
        "slack",
        "pushed",
        "bark",
        "barks",
    ]
)
WEBHOOK_SCHEMES = frozenset(["http", "https", "json", "jsons", "xml", "xmls"])
# Options change what a service does: some read files of this machine, some turn certificates off.
OPTIONS = frozenset(["priority", "sound", "tags", "thread", "topic", "channel", "mode", "click"])
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,24}")
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 20


class BadAddress(ValueError):
    """No address that messages can go to. `str()` says why, without repeating the address."""


def asset() -> AppriseAsset:
    """How services behave: nothing kept on disk, nothing fetched besides, no redirects, no secrets in logs."""
    return AppriseAsset(
        app_id="NEXA",
        app_desc="NEXA notifications",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        secure_logging=True,
        http_redirects=False,
        storage_mode="memory",
        pgp_autogen=False,
        pem_autogen=False,
    )


def require_services(smtp_url: str | None, sms_url: str | None) -> None:
    """Raises BadAddress if what the operator set up cannot be used. Never repeats it: it holds a password."""
    if smtp_url is not None and (
        urlsplit(smtp_url).scheme not in {"mailto", "mailtos"} or Apprise.instantiate(smtp_url, asset=asset()) is None
    ):
        raise BadAddress(
            "NEXA_NOTIFY_SMTP_URL is no mail server: expected mailtos://user:password@host:465?from=you@example.com&mode=ssl."
        )
    if sms_url is not None and (
        "{to}" not in sms_url or Apprise.instantiate(sms_url.replace("{to}", "%2B15550100001"), asset=asset()) is None
    ):
        raise BadAddress("NEXA_NOTIFY_SMS_URL must be an Apprise URL with {to} in the place of the number.")


def push_service(address: str, priority: str | None) -> NotifyBase:
    """A push service, as the user wrote its URL."""
    parts = _parts(address, PUSH_SCHEMES)
    _require_known_options(parts.query)
    if parts.scheme in {"ntfy", "ntfys"}:
        options = {option for option, _ in parse_qsl(parts.query)}
        level = {"urgent": "max", "high": "high", "low": "low"}.get(priority or "", "default")
        added = [] if "priority" in options else [f"priority={level}"]
        if "mode" not in options and parts.path.strip("/"):
            # A host that is not understood is none; without this the message would go to the public server.
            added.append("mode=private")
        address += ("&" if parts.query else "?") + "&".join(added)
    return _service(address)


def webhook_service(address: str, about: dict[str, str]) -> NotifyBase:
    """A plain URL gets JSON by POST, with `about` beside title and message."""
    parts = _parts(address, WEBHOOK_SCHEMES)
    if parts.scheme not in {"http", "https"}:
        _require_known_options(parts.query, prefixes="-+:")
        return _service(address)
    try:
        port = parts.port
    except ValueError as err:
        raise BadAddress("the port is no number up to 65535") from err
    service: Any = NotifyJSON(  # type: ignore[no-untyped-call]  # the library has no types here
        asset=asset(),
        schema="jsons" if parts.scheme == "https" else "json",
        host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
        port=port,
        user=parts.username,
        password=parts.password,
        headers={"X-Notification-Id": about.get("notification_id", "")},
        payload=about,
    )
    # As they were given: the constructor would unquote the one and lose the order of the other.
    service.fullpath = parts.path or "/"
    service.params = parse_qsl(parts.query, keep_blank_values=True)
    return _patient(service)


def email_service(smtp_url: str, address: str, notification_id: str) -> NotifyBase:
    """The operator's mail server, with one recipient."""
    if len(address) > 254 or not EMAIL.fullmatch(address):
        raise BadAddress("this is no e-mail address")
    service: Any = _service(smtp_url)
    service.targets = [(False, address)]
    service.headers = {**service.headers, "X-Notification-Id": notification_id, "Auto-Submitted": "auto-generated"}
    return _patient(service)


def sms_service(sms_url: str, phone: str) -> NotifyBase:
    """The operator's SMS service; `{to}` in its URL is the number."""
    if not PHONE.fullmatch(phone):
        raise BadAddress("this is no telephone number")
    digits = re.sub(r"[^0-9+]", "", phone)
    return _service(sms_url.replace("{to}", quote(digits, safe="")))


def _parts(address: str, schemes: frozenset[str]) -> Any:
    if len(address) > ADDRESS_LENGTH_MAX:
        raise BadAddress(f"the address is longer than {ADDRESS_LENGTH_MAX} characters")
    if not address.isprintable() or " " in address:
        raise BadAddress("the address holds blanks or control characters")
    try:
        parts = urlsplit(address)
    except ValueError as err:
        raise BadAddress("this is no URL") from err
    if parts.scheme not in schemes:
        raise BadAddress(f"the address must begin with one of {', '.join(sorted(schemes))}")
    if not parts.hostname:
        raise BadAddress("the address names no host")
    return parts


def _require_known_options(query: str, prefixes: str = "") -> None:
    for option, _ in parse_qsl(query, keep_blank_values=True):
        # A plus sign in front of an option is read as a blank.
        if option.lower() not in OPTIONS and not (prefixes and (option[:1] in prefixes or option[:1] == " ")):
            raise BadAddress(f"the option {option[:30]!r} is not allowed in an address")


def _service(address: str) -> NotifyBase:
    service = Apprise.instantiate(address, asset=asset())
    if service is None:
        raise BadAddress("the service does not accept this address")
    return _patient(service)


def _patient(service: NotifyBase) -> NotifyBase:
    service.socket_connect_timeout = CONNECT_TIMEOUT_S
    service.socket_read_timeout = READ_TIMEOUT_S
    return service
