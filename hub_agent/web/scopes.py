"""What somebody who was let in may do: view < control < configure, as in home_members.permissions; each has what those before it have.

Here stands what each route asks for. A route that is not named here asks for `configure`, and a test fails.
"""

from enum import StrEnum
from functools import cache
from re import Pattern
from typing import Final

from starlette.routing import compile_path


class Scope(StrEnum):
    VIEW = "view"
    CONTROL = "control"
    CONFIGURE = "configure"

    def has(self, wanted: "Scope") -> bool:
        return _ORDER.index(self) >= _ORDER.index(wanted)


_ORDER: Final = tuple(Scope)

# Of the actions that `POST /call` carries out those that reach past the devices: with them everything could be configured.
CONFIGURING_ACTIONS: Final = frozenset({"mqtt", "rest_command", "shell_command"})

# Webhooks are outside all this: their id is the secret (`webhooks.py`).
WEBHOOKS: Final = "/api/webhook/"

# For everybody on the network: how to be let in, and that the hub lives.
# A phone asks for the manifest and its icons without the session when it installs the page; they tell nothing of the home.
_INSTALLED: Final = ("page.webmanifest", "icon-192.png", "icon-512.png", "icon-maskable-512.png")
_OPEN_STATIC: Final = (
    "page.css",
    "pair.js",
    "language.js",
    "icon.svg",
    "languages/de.json",
    "languages/hub.de.json",
    *_INSTALLED,
)
OPEN_PATHS: Final = frozenset(
    {"/live", "/pair", "/api/v1/pair", "/authority.crt", *(f"/static/{name}" for name in _OPEN_STATIC)}
)

_VIEW: Final = """
    GET /
    GET /metrics
    GET /static/{name:path}
    GET /worker.js
    GET /api/v1/access/me
    GET /api/v1/activity
    GET /api/v1/alerts
    GET /api/v1/alerts/channels
    GET /api/v1/alerts/rules
    GET /api/v1/automations
    GET /api/v1/automations/health
    GET /api/v1/automations/{name:path}/definition
    GET /api/v1/automations/{name:path}/explanation
    GET /api/v1/automations/{name:path}/health
    GET /api/v1/automations/{name:path}/replay
    GET /api/v1/definitions/{kind}
    GET /api/v1/definitions/{kind}/{name:path}
    GET /api/v1/definitions/{kind}/{name:path}/history
    GET /api/v1/devices
    GET /api/v1/devices/{device_id}
    GET /api/v1/diagnoses
    GET /api/v1/discovered
    GET /api/v1/energy
    GET /api/v1/events
    GET /api/v1/forecasts
    GET /api/v1/health
    GET /api/v1/health/devices/{name}
    GET /api/v1/health/devices/{name}/plan
    GET /api/v1/health/devices/{name}/wishes
    GET /api/v1/health/history
    GET /api/v1/health/rates
    GET /api/v1/health/wishes
    GET /api/v1/home
    GET /api/v1/issues
    GET /api/v1/notices
    GET /api/v1/openapi.json
    GET /api/v1/rejected
    GET /api/v1/rooms
    GET /api/v1/runs
    GET /api/v1/runs/{run_id}
    GET /api/v1/scenes
    GET /api/v1/scenes/{scene_id}
    GET /api/v1/security
    GET /api/v1/status
    GET /api/v1/sync
    GET /api/v1/sync/conflicts
    GET /api/v1/sync/lost
    POST /api/v1/leave
"""

_CONTROL: Final = """
    POST /api/v1/alerts/{alert_id}
    POST /api/v1/automations/{name:path}/run
    POST /api/v1/call
    POST /api/v1/devices/{name}/set
    POST /api/v1/diagnoses
    POST /api/v1/health/answers/{execution_id}
    POST /api/v1/health/devices/{name}/try
    POST /api/v1/scenes/{name}/activate
"""

_CONFIGURE: Final = """
    GET /api/v1/access
    DELETE /api/v1/access/{name:path}
    POST /api/v1/access/codes
    POST /api/v1/access/tokens
    POST /api/v1/automations
    POST /api/v1/automations/check
    DELETE /api/v1/automations/{name:path}
    PATCH /api/v1/automations/{name:path}
    PUT /api/v1/automations/{name:path}
    POST /api/v1/automations/{name:path}/repair
    POST /api/v1/alerts/channels/{name}/test
    GET /api/v1/backups
    POST /api/v1/backups
    POST /api/v1/backups/download
    POST /api/v1/definitions/import
    POST /api/v1/definitions/{kind}/{name:path}/undo
    PATCH /api/v1/devices/{device_id}
    GET /api/v1/diagnostics
    POST /api/v1/discovered/add
    POST /api/v1/discovered/forget
    PUT /api/v1/energy/devices/{name}
    PATCH /api/v1/health/devices/{name}/wishes
    PATCH /api/v1/health/wishes
    PATCH /api/v1/home
    POST /api/v1/replay
    POST /api/v1/restart
    POST /api/v1/safe-mode/leave
    POST /api/v1/scenes
    DELETE /api/v1/scenes/{name:path}
    PATCH /api/v1/scenes/{name:path}
    POST /api/v1/security/scan
    POST /api/v1/sync/claim
    POST /api/v1/sync/conflicts/{name:path}/decide
    POST /api/v1/sync/lost/{lost_id}
    GET /api/v1/settings
    POST /api/v1/sync/verify
"""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


# "METHOD /path" as the routes spell it.
SCOPE_BY_ROUTE: Final = {
    **dict.fromkeys(_lines(_VIEW), Scope.VIEW),
    **dict.fromkeys(_lines(_CONTROL), Scope.CONTROL),
    **dict.fromkeys(_lines(_CONFIGURE), Scope.CONFIGURE),
}


def scope_for(method: str, path: str) -> Scope | None:
    """What a request asks for; None when no line fits. Where several fit, the most: the router may take any of them."""
    method = "GET" if method == "HEAD" else method
    fitting = [scope for pattern, scope in _patterns().get(method, ()) if pattern.match(path)]
    return max(fitting, key=_ORDER.index, default=None)


@cache
def _patterns() -> dict[str, list[tuple[Pattern[str], Scope]]]:
    patterns: dict[str, list[tuple[Pattern[str], Scope]]] = {}
    for line, scope in SCOPE_BY_ROUTE.items():
        method, _, path = line.partition(" ")
        patterns.setdefault(method, []).append((compile_path(path)[0], scope))
    return patterns
