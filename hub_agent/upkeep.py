"""Builds what measures the hub itself and its ways, and what healing may have done to it."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from hub_agent.adapters.disk import FreeDisk
from hub_agent.adapters.links.processes import LinkProcesses
from hub_agent.adapters.mqtt import MqttBroker
from hub_agent.adapters.units import RestartUnit
from hub_agent.adapters.vitals import MachineVitals
from hub_agent.adapters.ways import CloudTold, Ends, NetworkWays, Target, target_of
from hub_agent.config import Config
from hub_agent.core.hub import Hub
from hub_agent.core.time_of_day import zone
from hub_agent.model.inputs import Input
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.ports import Clock, Errand
from hub_agent.runtime.measuring import Measuring
from hub_agent.runtime.mending import Reconnect, RestartAgent, RestartDialect
from hub_agent.store import salvage
from hub_agent.store.archive import ENDING
from hub_agent.store.store import Mirror

LOG_FOLDER = Path("/var/log")
# What deploy/install.sh installs as the broker of this machine.
BROKER_UNIT = "mosquitto.service"


def mending(
    config: Config,
    mirror: Mirror,
    clock: Clock,
    broker: MqttBroker,
    links: LinkProcesses,
    *,
    restart: Callable[[], None],
    is_kept_up: bool,
) -> Mapping[str, Errand]:
    """By the action of each. `restart` ends the agent, which is started again if it `is_kept_up` by systemd; otherwise no unit of
    the machine is its business either.
    """
    return {
        "hub.free_disk": FreeDisk(mirror.path, f"nexa-hub-*{ENDING}", lambda: mirror.tidy(clock.now())),
        "hub.reconnect_broker": Reconnect(broker.reconnect),
        "hub.restart_dialect": RestartDialect(links.restart),
        "hub.restart_unit": RestartUnit(config.healing.units if is_kept_up else ()),
        "hub.restart": RestartAgent(restart, is_kept_up=is_kept_up),
        "hub.salvage_mirror": RestartAgent(
            restart, is_kept_up=is_kept_up, prepare=partial(salvage.suspect, mirror.path)
        ),
    }


def measuring(
    config: Config,
    mirror: Mirror,
    clock: Clock,
    hub: Hub,
    put: Callable[[Input], None],
    *,
    is_connected: Callable[[], bool],
    sync_status: Callable[[], JsonObject],
    issues: Callable[[], list[Issue]],
    is_mirror_suspect: bool,
    is_kept_up: bool,
) -> Measuring:
    def cloud_told() -> CloudTold | None:
        told = sync_status()
        if told["is_claimed"] is not True:
            return None
        error = told.get("last_error")
        is_refused = any(issue.code == "cloud_refused" for issue in issues())
        return CloudTold(told["is_online"] is True, is_refused, error if isinstance(error, str) else None)

    ends = Ends(
        broker=Target(config.mqtt.host, config.mqtt.port),
        is_broker_connected=is_connected,
        cloud_url=config.cloud.url,
        cloud_told=cloud_told,
        targets=[target_of(text) for text in config.healing.internet],
        broker_unit=BROKER_UNIT if is_kept_up and BROKER_UNIT in config.healing.units else None,
    )
    return Measuring(
        vitals=MachineVitals((config.agent.state_dir, LOG_FOLDER)),
        ways=NetworkWays(ends),
        clock=clock,
        put=put,
        check_mirror=mirror.is_sound,
        local_hour=lambda: clock.now().wall.astimezone(zone(hub.place.time_zone)).hour,
        is_mirror_suspect=is_mirror_suspect,
    )
