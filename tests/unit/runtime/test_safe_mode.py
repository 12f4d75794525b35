"""What stays out after lives that did not last, and how that is told."""

from datetime import UTC, datetime

from hub_agent.config import Config
from hub_agent.runtime.lives import FAILED_MAX, Past
from hub_agent.runtime.safe_mode import SafeMode, safe_mode_after

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIALECTS = ("hue", "wled")


def after(*blamed: str, trials: int = 0) -> SafeMode:
    mode = safe_mode_after(Past(FAILED_MAX, frozenset(blamed), trials), DIALECTS, NOON)
    assert mode is not None
    return mode


def test_a_life_that_lasted_is_followed_by_a_normal_one() -> None:
    assert safe_mode_after(Past(FAILED_MAX - 1), DIALECTS, NOON) is None


def test_what_is_optional_is_off_whatever_the_settings_say() -> None:
    config = Config.model_validate(
        {"cloud": {"url": "https://cloud.example"}, "backup": {"folder": "/mnt"}, "web": {"port": 1234}}
    )

    settings = after().settings(config)

    found = settings.discovery
    assert (found.mdns, found.ssdp, found.search) == (False, False, False)
    assert not settings.security.scan
    assert settings.backup.folder is None
    assert settings.cloud.url == "https://cloud.example", "it was not to blame"
    assert settings.web.port == 1234
    assert config.discovery.mdns, "for the next life"


def test_what_was_to_blame_stays_out_as_well() -> None:
    mode = after("uplink", "hue", "vitals", "automation", "health")

    assert mode.settings(Config.model_validate({"cloud": {"url": "https://cloud.example"}})).cloud.url is None
    assert mode.dialects == {"hue"}
    assert mode.rooms == {"forecasts", "vitals"}, "neither rules nor health are optional"
    assert mode.left_out[-2:] == ["devices that speak hue", "the cloud"]


def test_the_issue_says_what_is_left_out_and_until_when() -> None:
    told = after("uplink", trials=1).issue.text

    assert "3 times" in told
    assert "finding new devices" in told
    assert "the cloud" in told
    assert "2026-03-01 14:00 UTC" in told
    assert "nexa-hub safe-mode leave" in told
