"""Restarts units of the system by systemd: those that the settings name, as far as a rule of polkit lets this user (deploy/install.sh sets it)."""

from collections.abc import Sequence

from hub_agent.adapters.shell import ShellErrand
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done

TIMEOUT_S = 90.0
_REFUSALS = ("authentication required", "access denied", "not authorized", "permission denied")


class RestartUnit:
    """An errand: {"unit": "mosquitto.service"}."""

    def __init__(self, allowed: Sequence[str], systemctl: str = "systemctl") -> None:
        self._allowed = frozenset(allowed)
        self._systemctl = systemctl
        self._shell = ShellErrand(TIMEOUT_S)

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del wants_response
        unit = data.get("unit")
        if not isinstance(unit, str) or unit not in self._allowed:
            raise NotPossible(f"the hub may not restart {unit}: units of [healing] does not name it")
        command = [self._systemctl, "--no-ask-password", "restart", "--", unit]
        done = await self._shell.run({"command": command}, wants_response=True)
        response = done.response if isinstance(done.response, dict) else {}
        if response.get("returncode") == 0:
            return Done({"unit": unit})
        said = str(response.get("stderr") or response.get("stdout") or "").strip().partition("\n")[0][:300]
        if any(each in said.lower() for each in _REFUSALS):
            raise NotPossible(
                f"systemd does not let the hub restart {unit}: run deploy/install.sh again, which allows it"
            )
        raise NotPossible(f"{unit} could not be restarted: {said or 'systemctl gave no reason'}")
