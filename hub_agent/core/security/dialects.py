"""What a device tells, in its dialect's own words, of whether it has a login. Nothing is tried: each is asked what it says to everybody.

Shelly: `/shelly` needs no login and says `auth` (first generation) or `auth_en`. Tasmota: `/cm?cmnd=Status` answers with `WARNING`, or asks,
when a web password is set. WLED has no login at all. ESPHome announces `api_encryption` when its API is encrypted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hub_agent.model.device import Device
from hub_agent.model.security import Page


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless request, and whether what comes back shows that there is no login; None: it does not tell."""

    path: str
    is_open: Callable[[Page], bool | None]
    name: str
    advice: str
    rank: str = "medium"


def _shelly(page: Page) -> bool | None:
    told = page.body.get("auth_en", page.body.get("auth"))
    return not told if isinstance(told, bool) else None


def _tasmota(page: Page) -> bool | None:
    if page.asks or "WARNING" in page.body:
        return False
    return True if isinstance(page.body.get("Status"), Mapping) else None


def _wled(page: Page) -> bool | None:
    return True if page.body.get("brand") == "WLED" else None


def _esphome(page: Page) -> bool | None:
    if page.asks:
        return False
    return True if page.status == 200 and "esp" in page.text.casefold() else None


SHELLY: Final = Probe(
    "/shelly",
    _shelly,
    "Shelly",
    "Set a password on the device's own page (Settings, Authentication), then tell it to this hub: nexa-hub devices add.",
)
TASMOTA: Final = Probe(
    "/cm?cmnd=Status",
    _tasmota,
    "Tasmota",
    "Set a web admin password on the device's own page (Configuration, Configure Other).",
)
WLED: Final = Probe(
    "/json/info",
    _wled,
    "WLED",
    "WLED has no login. Set a settings PIN (Config, Security & Updates), and keep guests on a network of their own.",
    "info",
)
ESPHOME: Final = Probe(
    "/",
    _esphome,
    "ESPHome",
    "Add `auth:` below `web_server:` in the device's configuration, or leave `web_server:` out.",
)

_BY_DIALECT: Final[Mapping[str, Probe]] = {
    "shelly": SHELLY,
    "shelly_mqtt": SHELLY,
    "tasmota": TASMOTA,
    "wled": WLED,
    "esphome": ESPHOME,
}
_BY_BRAND: Final[Mapping[str, Probe]] = {"shelly": SHELLY, "tasmota": TASMOTA, "wled": WLED}


def probe_of(device: Device) -> Probe | None:
    """Also of a device that is met in another dialect, where its brand says what it is."""
    return _BY_DIALECT.get(device.origin.dialect) or _BY_BRAND.get((device.brand or "").casefold())
