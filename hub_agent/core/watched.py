"""The hub as all that watches over the home sees it: put together here, once."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from hub_agent.core.activity import Activity
from hub_agent.core.automation.checking.room import Checks
from hub_agent.core.automation.engine import Automations
from hub_agent.core.commands import Commands
from hub_agent.core.discovery import Discovery
from hub_agent.core.healing import Healing
from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.core.inventory import Inventory
from hub_agent.core.kept_settings import KeptSettings
from hub_agent.core.monitoring import Monitoring
from hub_agent.core.not_understood import Misunderstandings
from hub_agent.core.notices import Notices
from hub_agent.core.repairs import Repair, Repairs
from hub_agent.core.security import Security, Ways
from hub_agent.core.states import States
from hub_agent.core.sync.definitions import Definitions
from hub_agent.core.what_alerting_sees import WhatAlertingSees, alerting_on
from hub_agent.core.what_diagnosis_sees import WhatDiagnosisSees
from hub_agent.core.what_healing_sees import WhatHealingSees
from hub_agent.core.what_security_sees import WhatSecuritySees
from hub_agent.model.automation import Place
from hub_agent.model.device import Device
from hub_agent.model.ids import EntityId, HomeId, NewId
from hub_agent.model.json import JsonObject


class Watched(Protocol):
    """The rooms that are looked into: of core.hub.Hub. What is made later than monitoring is asked for when it is needed."""

    home_id: HomeId
    states: States
    inventory: Inventory
    discovery: Discovery
    commands: Commands
    definitions: Definitions
    misunderstandings: Misunderstandings
    checks: Checks
    notices: Notices
    place: Place
    automations: Automations


def seen_of(hub: Watched) -> WhatHealingSees:
    return WhatHealingSees(
        states=hub.states,
        inventory=hub.inventory,
        commands=hub.commands,
        definitions=hub.definitions,
        discovery=hub.discovery,
        time_zone=lambda: hub.place.time_zone,
    )


def monitoring_of(
    hub: Watched, seen: WhatHealingSees, device_of: Callable[[EntityId], Device | None], ways: Ways, new_id: NewId
) -> Monitoring:
    """`ways`: as the settings have them, see core.security."""

    def rules_naming(names: Iterable[str]) -> Sequence[tuple[str, str]]:
        return hub.checks.naming(names)

    def repair_of(automation_id: str, now: datetime) -> Repair:
        return hub.checks.repair_of(automation_id, now)

    def diagnosed(healing: Healing, measured: Callable[[str], JsonObject]) -> WhatDiagnosisSees:
        return WhatDiagnosisSees(
            seen,
            healing,
            discovery=hub.discovery,
            misunderstandings=hub.misunderstandings,
            rules_naming=rules_naming,
            measured=measured,
        )

    secured = WhatSecuritySees(hub.states, hub.inventory, hub.discovery, lambda: hub.place.time_zone)
    security = Security(secured, hub.home_id, ways, new_id)
    kept_settings, repairs = KeptSettings(), Repairs(seen.hub_id, repair_of)
    seen.kept_settings, seen.current_repair = kept_settings.of, repairs.current
    alerted = WhatAlertingSees(hub.states, hub.inventory, hub.definitions, lambda: hub.place.time_zone)
    alerting = alerting_on(hub.home_id, alerted, new_id, hub.notices.channels, hub.notices.answer_alert)
    others = (kept_settings, repairs)
    activity = Activity(seen, lambda run_id: automation_of(hub, run_id), remedy_words)
    return Monitoring(
        seen, device_of, new_id, diagnosed, security=security, alerting=alerting, activity=activity, others=others
    )


def automation_of(hub: Watched, run_id: str) -> tuple[str, str] | None:
    """Id and name of the automation that a run is of."""
    automation_id = hub.automations.chains.automation_of(run_id)
    definition = None if automation_id is None else hub.definitions.get("automation", automation_id)
    return None if definition is None else (definition.id, str(definition.fields.get("name") or definition.id))


def remedy_words(name: str) -> str:
    return REMEDIES[name].words if name in REMEDIES else name
