"""What the weather and the people do over the day, as functions of the time: believable, smooth and the same for everybody."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")


def hour_of(now: datetime) -> float:
    local = now.astimezone(BERLIN)
    return local.hour + local.minute / 60 + local.second / 3600


def daylight(now: datetime) -> float:
    """0 in the night, 1 at a summer's noon."""
    season = _season(now)
    half_day_h = 6 + 2.2 * season
    height = (
        math.cos((hour_of(now) - 12.5) / half_day_h * math.pi / 2) if abs(hour_of(now) - 12.5) < half_day_h else 0.0
    )
    return max(0.0, height) * (0.65 + 0.35 * season)


def outdoor_temperature(now: datetime) -> float:
    """Coldest before sunrise, warmest in the afternoon."""
    return 10 + 9 * _season(now) + 4 * math.cos((hour_of(now) - 15) / 24 * 2 * math.pi)


def indoor_temperature(now: datetime, usual: float) -> float:
    """Follows the outdoors a little; the heating sleeps at night."""
    night_c = -1.2 if hour_of(now) < 6 or hour_of(now) >= 23 else 0.0
    return usual + night_c + 0.06 * (outdoor_temperature(now) - 10)


def presence(now: datetime) -> float:
    """How much is going on in the home, 0.1 to 1: mornings and evenings are busy."""
    hour = hour_of(now)
    morning = math.exp(-((hour - 7.5) ** 2) / 2)
    evening = math.exp(-((hour - 19.5) ** 2) / 8)
    return min(1.0, 0.1 + 0.7 * morning + 0.9 * evening + (0.3 if 8 < hour < 22 else 0.0))


def _season(now: datetime) -> float:
    """-1 in January, 1 in July."""
    return -math.cos((now.timetuple().tm_yday - 15) / 365 * 2 * math.pi)
