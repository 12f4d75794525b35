"""Frames of a Z-Wave JS server, and what is asked of it. Its own words: https://zwave-js.github.io/zwave-js-server/#/

server      the version message: home id, versions
controller  the controller's state
node        a node's whole state, with its values
listed      the ids of all nodes, after they have been said
event       an event of the server, as it was sent
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.zwave import writing
from hub_agent.drivers.zwave.node import ASLEEP, DIALECT, NODE_ID_MAX, PING, Node
from hub_agent.drivers.zwave.values import id_in_wire, read_value, whole_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import (
    AdvertisedEntity,
    Advertisement,
    Alias,
    Capability,
    Device,
    DeviceType,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, Rejected

__all__ = ["DIALECT", "ZWave"]

NETWORKS_MAX: Final = 16
NODES_MAX: Final = 1_000

_STATUS_EVENTS: Final = {"sleep": 1, "wake up": 2, "dead": 3, "alive": 4}


class _Network:
    """What one server looks after: a controller and its nodes."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.home: str | None = None
        self.own_number: int | None = None
        self.version: str | None = None
        self.nodes: dict[int, Node] = {}


class ZWave:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._networks: dict[str, _Network] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer, home = given.text(device.native, "peer"), given.text(device.native, "home")
            number = whole_of(device.native.get("node"))
            network = self._network(peer) if peer is not None else None
            if device.origin.dialect != DIALECT or network is None or home is None:
                continue
            network.home = home
            if number is not None and len(network.nodes) < NODES_MAX:
                network.nodes[number] = Node(home, number)
                network.nodes[number].restore(device)
        return ()

    def _network(self, peer: str) -> _Network | None:
        if peer not in self._networks and len(self._networks) >= NETWORKS_MAX:
            return None
        return self._networks.setdefault(peer, _Network(peer))

    def release(self, device: Device) -> tuple[str, ...]:
        network = self._networks.get(given.text(device.native, "peer") or "")
        if network is not None:
            network.nodes.pop(whole_of(device.native.get("node")) or -1, None)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    # What is heard.

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        network = self._network(frame.peer)
        if network is None:
            return [_rejected(frame, "too_many_networks", f"no more than {NETWORKS_MAX} servers are looked after")]
        body = frame.body
        if frame.kind == "listed":
            return list(_listed(network, body))
        if not isinstance(body, dict):
            return [_rejected(frame, "not_an_object", "an object was expected")]
        if frame.kind == "server":
            return _server(network, frame, body)
        if frame.kind == "controller":
            return list(_controller(network, body))
        if network.home is None:
            return [_rejected(frame, "no_home", "the server has not said which network it looks after")]
        if frame.kind == "node":
            return _node(network, frame, body)
        return _event(network, frame, body) if frame.kind == "event" else []

    # What is asked.

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        if action.partition(".")[0] not in {entity.domain, "homeassistant"}:
            raise NotPossible(f"{device.name}: {action} cannot be done with {entity.id}, a {entity.domain}.")
        peer, number = _address(device)
        if entity.native.get("kind") == "restart":
            return [_request(peer, {"command": "driver.soft_reset"})]
        if entity.native.get("kind") == PING:
            return [_request(peer, {"command": "node.ping", "nodeId": number})]
        network = self._networks.get(peer)
        node = network.nodes.get(number) if network is not None and number is not None else None
        now = node.now(entity.native) if node is not None else _nothing_known
        try:
            settings = writing.write(entity.native, action, data, now)
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error
        return [_request(peer, _set_value(number, setting), node) for setting in settings]

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        peer, number = _address(device)
        if number is None:
            return []
        network = self._networks.get(peer)
        node = network.nodes.get(number) if network is not None else None
        if node is not None and node.status == ASLEEP:
            return []  # it says how it is when it wakes up
        return [_request(peer, {"command": "node.refresh_values", "nodeId": number}, is_long=True)]

    def encode_reconfigure(self, device: Device) -> Sequence[Request]:
        peer, number = _address(device)
        if number is None:
            return [_request(peer, {"command": "driver.soft_reset"})]
        return [_request(peer, {"command": "node.refresh_info", "nodeId": number}, is_long=True)]


def _nothing_known(_role: str) -> JsonValue:
    return None


def _address(device: Device) -> tuple[str, int | None]:
    peer = given.text(device.native, "peer")
    if peer is None:
        raise NotPossible(f"{device.name}: the server that knows it is not known yet.")
    return peer, whole_of(device.native.get("node"))


def _set_value(number: int | None, setting: writing.Setting) -> JsonObject:
    body: dict[str, JsonValue] = {
        "command": "node.set_value",
        "nodeId": number,
        "valueId": setting.id.as_wire(),
        "value": setting.value,
    }
    return body | {"options": dict(setting.options)} if setting.options else body


def _request(peer: str, command: JsonObject, node: Node | None = None, *, is_long: bool = False) -> Request:
    """`later`: nobody waits for the answer, because it comes when the node wakes up, or after minutes."""
    later = is_long or (node is not None and node.status == ASLEEP)
    return Request(DIALECT, peer, {"send": command, "later": later})


# Frames.


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}", code, reason)


def _server(network: _Network, frame: Frame, body: JsonObject) -> list[Decoded]:
    home = whole_of(body.get("homeId"))
    network.version = given.text(body, "driverVersion")
    if home is None or not 0 <= home < 1 << 32:
        # The driver has not started yet: the controller's state says it.
        return (
            [] if body.get("homeId") is None else [_rejected(frame, "no_home", "the home id is no number of 32 bits")]
        )
    _be_home(network, home)
    return []


def _be_home(network: _Network, home: int) -> None:
    name = f"{home:08x}"
    # Those of another stick, which was plugged in before, have the same numbers.
    network.nodes = {number: node for number, node in network.nodes.items() if node.home == name}
    network.home = name


def _controller(network: _Network, body: JsonObject) -> Iterator[Decoded]:
    home = whole_of(body.get("homeId"))
    if home is not None and 0 <= home < 1 << 32:
        _be_home(network, home)
    if network.home is None:
        return
    network.own_number = whole_of(body.get("ownNodeId"))
    origin = Origin(DIALECT, network.home)
    yield Advertisement(
        origin,
        (Alias("zwave", network.home),),
        name="Z-Wave controller",
        entities=_CONTROLLER,
        model="Z-Wave JS",
        device_type=DeviceType.BRIDGE,
        protocol=ProtocolType.ZWAVE,
        firmware_version=given.text(body, "firmwareVersion") or given.text(body, "sdkVersion"),
        native={"peer": network.peer, "home": network.home},
    )
    yield AvailabilityReported(origin, is_available=True)


_CONTROLLER: Final = (
    AdvertisedEntity(
        key="reboot",
        domain="button",
        name="Restart",
        device_class="restart",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "restart"},
    ),
)


def _number_of(body: JsonObject) -> int | None:
    number = whole_of(body.get("nodeId"))
    return number if number is not None and 0 < number <= NODE_ID_MAX else None


def _node(network: _Network, frame: Frame, body: JsonObject) -> list[Decoded]:
    number = _number_of(body)
    if number is None:
        return [_rejected(frame, "no_node_id", "a node without a number")]
    if number == network.own_number or body.get("isControllerNode") is True:
        return []
    if number not in network.nodes:
        if len(network.nodes) >= NODES_MAX:
            return [_rejected(frame, "too_many_nodes", f"no more than {NODES_MAX} nodes are looked after")]
        network.nodes[number] = Node(network.home or "", number)
    return list(network.nodes[number].described(body, network.peer))


def _listed(network: _Network, body: JsonValue) -> Iterator[Decoded]:
    """Nodes that left while nobody listened."""
    present = {whole_of(number) for number in given.listed({"": body}, "")}
    if not present or None in present:
        return  # not even the controller, or what is no number: whoever is missing may only be damaged
    for number in sorted(network.nodes.keys() - present):
        yield DeviceGone(network.nodes.pop(number).origin)


def _event(network: _Network, frame: Frame, body: JsonObject) -> list[Decoded]:
    source, name = given.text(body, "source"), given.text(body, "event") or ""
    if source == "controller":
        return _controller_event(network, name, body)
    if source != "node":
        return []
    number = _number_of(body)
    node = network.nodes.get(number) if number is not None else None
    if node is None:
        is_own = number is None or number == network.own_number
        return [] if is_own else [_rejected(frame, "unknown_node", f"an event of node {number}, which nobody listed")]
    if name == "value notification":
        node.meet_scene(id_in_wire(given.mapping(body, "args")))
        return [*node.renewed(network.peer), *_node_event(node, name, body)]
    return [*_node_event(node, name, body), *(node.renewed(network.peer) if name != "value updated" else ())]


def _controller_event(network: _Network, name: str, body: JsonObject) -> list[Decoded]:
    if name != "node removed":
        return []  # a node that is added is said whole by the adapter
    number = _number_of(given.mapping(body, "node")) or _number_of(body)
    node = network.nodes.pop(number, None) if number is not None else None
    return [DeviceGone(node.origin)] if node is not None else []


def _node_event(node: Node, name: str, body: JsonObject) -> Iterator[Decoded]:
    arguments = given.mapping(body, "args")
    if name in _STATUS_EVENTS:
        yield from node.told_status(_STATUS_EVENTS[name])
        return
    if name == "statistics updated":
        yield from node.statistics(given.mapping(body, "statistics"))
        return
    identity = id_in_wire(arguments)
    if identity is None:
        return
    if name == "value updated":
        yield from node.changed(identity, arguments.get("newValue"))
    elif name in {"value added", "metadata updated"}:
        value = read_value(arguments) if "metadata" in arguments else None
        if value is not None:
            node.describe(value)
        if "newValue" in arguments:
            yield from node.changed(identity, arguments["newValue"])
    elif name == "value removed":
        node.removed(identity)
    elif name == "value notification":
        yield from node.event(identity, arguments.get("value"))
