"""Switch the plug that feeds the device off and on again. Once it is off it is switched on again, whatever happens in between."""

from collections.abc import Sequence
from datetime import timedelta

from hub_agent.core.healing.remedy import Given, Patient, Remedy, Treated, fed_by
from hub_agent.core.healing.topology import way_to
from hub_agent.model.device import Device, DeviceType, Entity, ProtocolType
from hub_agent.model.healing import Symptom

OFF_FOR = timedelta(seconds=10)
# How a plug is reached also while there is no network.
BY_ITSELF = frozenset({ProtocolType.ZIGBEE, ProtocolType.ZWAVE, ProtocolType.BLUETOOTH})


def _switch(patient: Patient) -> Entity | None:
    plug = patient.plug
    entities = () if plug is None else plug.entities
    return next((each for each in entities if each.domain == "switch" and each.category is None), None)


def _through(patient: Patient) -> tuple[Device, ...]:
    return () if patient.plug is None else way_to(patient.plug, patient.home)


def _fits(patient: Patient) -> bool:
    """A plug that was switched off by somebody stays off. What is reached by the router, or by the bridge that it feeds, cannot give it its power back."""
    plug = patient.plug
    if any(each.id == patient.device.id for each in _through(patient)):
        return False
    if patient.device.device_type is DeviceType.ROUTER and (plug is None or plug.protocol not in BY_ITSELF):
        return False
    switch = _switch(patient)
    state = patient.home.state(switch.id) if switch is not None else None
    return state is not None and state.state == "on" and not patient.are_others_heard


def _touches(patient: Patient) -> tuple[Device, ...]:
    """Whatever else the plug feeds."""
    plug = patient.plug
    if plug is None:
        return ()
    return tuple(each for each in patient.home.devices() if fed_by(each) == plug.id and each.id != patient.device.id)


def _switched(treated: Treated, action: str) -> Sequence[Given]:
    switch = _switch(treated.patient)
    return [] if switch is None else [treated.call(action, switch.id)]


REMEDY = Remedy(
    "power_cycle_via_plug",
    "taking its power away for a moment",
    action_type="reboot",
    risk="medium",
    symptoms=frozenset(
        {Symptom.SILENT, Symptom.UNAVAILABLE, Symptom.UNCONFIRMED, Symptom.TOGETHER, Symptom.STUCK, Symptom.ERRORS}
    ),
    cooldown=timedelta(hours=4),
    attempts_max=1,
    verify_within=timedelta(minutes=3),
    verification="report",
    cost=40,
    prior=0.6,
    act=lambda treated: _switched(treated, "switch.turn_off"),
    then=((OFF_FOR, lambda treated: _switched(treated, "switch.turn_on")),),
    fits=_fits,
    touches=_touches,
    through=_through,
    interrupts=True,
)
