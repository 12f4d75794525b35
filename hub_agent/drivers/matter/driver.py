"""Frames of a Matter server, and what is asked of it. The server's interface: docs/websockets_api.md of python-matter-server.

server      what the server says first: its fabric, its versions
node        a whole node: its attributes by path (endpoint/cluster/attribute)
listed      the numbers of all nodes, after they have been said
attribute   [node, path, value]
event       an event of a node: a switch is pressed ...
removed     a node's number
update      a newer firmware that the server found for a node: {"node": number, "offer": {...} or null}
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.matter import writing
from hub_agent.drivers.matter.clusters import whole_of
from hub_agent.drivers.matter.node import DIALECT, Node
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Device, DeviceType, Entity, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import AvailabilityReported, Decoded, Rejected

__all__ = ["DIALECT", "Matter"]

SERVERS_MAX: Final = 16
NODES_MAX: Final = 1_000
NODE_MAX: Final = 1 << 64

# Locks want their commands within this time.
TIMED_MS: Final = 10_000


class _Fabric:
    """What one server looks after."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.name: str | None = None
        self.nodes: dict[int, Node] = {}


class Matter:
    dialect: Final = DIALECT

    def __init__(self) -> None:
        self._fabrics: dict[str, _Fabric] = {}

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        for device in devices:
            peer, name = given.text(device.native, "peer"), given.text(device.native, "fabric")
            number = whole_of(device.native.get("node"))
            fabric = self._fabric(peer) if peer is not None else None
            if device.origin.dialect != DIALECT or fabric is None or name is None:
                continue
            fabric.name = name
            if number is not None and len(fabric.nodes) < NODES_MAX:
                fabric.nodes.setdefault(number, Node(name, number)).restore(device)
        return ()

    def _fabric(self, peer: str) -> _Fabric | None:
        if peer not in self._fabrics and len(self._fabrics) >= SERVERS_MAX:
            return None
        return self._fabrics.setdefault(peer, _Fabric(peer))

    def release(self, device: Device) -> tuple[str, ...]:
        node = self._node(device)
        if node is not None:
            node.release(whole_of(device.native.get("endpoint")) or 0)
        return ()

    def unexplained(self) -> Sequence[Rejected]:
        return ()

    # What is heard.

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        fabric = self._fabric(frame.peer)
        if fabric is None:
            return [_rejected(frame, "too_many_servers", f"no more than {SERVERS_MAX} servers are looked after")]
        if frame.kind == "server":
            return _server(fabric, frame)
        if fabric.name is None:
            return [_rejected(frame, "no_fabric", "the server has not said which fabric it looks after")]
        if frame.kind == "listed":
            return list(_listed(fabric, frame.body))
        if frame.kind == "node":
            return _node(fabric, frame)
        if frame.kind == "removed":
            node = fabric.nodes.pop(whole_of(frame.body) or -1, None)
            return list(node.all_gone()) if node is not None else []
        if frame.kind == "attribute":
            return _attribute(fabric, frame)
        if frame.kind == "event":
            return list(_event(fabric, given.mapping({"": frame.body}, "")))
        return list(_update(fabric, given.mapping({"": frame.body}, ""))) if frame.kind == "update" else []

    # What is asked.

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Request]:
        if action.partition(".")[0] not in {entity.domain, "homeassistant"}:
            raise NotPossible(f"{device.name}: {action} cannot be done with {entity.id}, a {entity.domain}.")
        peer, number = _address(device)
        node = self._node(device)
        try:
            if entity.native.get("kind") == "update":
                return [_request(peer, _install(node, action), is_long=True)]
            deeds = writing.write(entity.native, action, data, node.now(entity.native) if node else _nothing_known)
        except NotPossible as error:
            raise NotPossible(f"{device.name}: {error}") from error
        endpoint = whole_of(entity.native.get("endpoint")) or 0
        return [_request(peer, _wire(number, endpoint, deed)) for deed in deeds]

    def encode_refresh(self, device: Device) -> Sequence[Request]:
        peer, number = _address(device)
        if number is None:
            return []
        return [
            _request(peer, {"command": "get_node", "args": {"node_id": number}}),
            _request(peer, {"command": "check_node_update", "args": {"node_id": number}}, is_long=True),
        ]

    def encode_reconfigure(self, device: Device) -> Sequence[Request]:
        peer, number = _address(device)
        if number is None:
            return []
        return [_request(peer, {"command": "interview_node", "args": {"node_id": number}}, is_long=True)]

    def _node(self, device: Device) -> Node | None:
        fabric = self._fabrics.get(given.text(device.native, "peer") or "")
        return fabric.nodes.get(whole_of(device.native.get("node")) or -1) if fabric is not None else None


def _nothing_known(_role: str) -> JsonValue:
    return None


def _address(device: Device) -> tuple[str, int | None]:
    peer = given.text(device.native, "peer")
    if peer is None:
        raise NotPossible(f"{device.name}: the server that knows it is not known yet.")
    return peer, whole_of(device.native.get("node"))


def _install(node: Node | None, action: str) -> JsonObject:
    if action != "update.install":
        raise NotPossible(f"{action} is nothing that firmware understands; it understands update.install.")
    if node is None or node.offered is None:
        raise NotPossible("the server knows no newer firmware for it.")
    return {"command": "update_node", "args": {"node_id": node.number, "software_version": node.offered[0]}}


def _wire(number: int | None, endpoint: int, deed: writing.Deed) -> JsonObject:
    if isinstance(deed, writing.Write):
        path = f"{endpoint}/{deed.cluster}/{deed.attribute}"
        return {"command": "write_attribute", "args": {"node_id": number, "attribute_path": path, "value": deed.value}}
    arguments: dict[str, JsonValue] = {
        "node_id": number,
        "endpoint_id": endpoint,
        "cluster_id": deed.cluster,
        "command_name": deed.name,
        "payload": dict(deed.payload),
    }
    timed: dict[str, JsonValue] = {"timed_request_timeout_ms": TIMED_MS} if deed.is_timed else {}
    return {"command": "device_command", "args": {**arguments, **timed}}


def _request(peer: str, command: JsonObject, *, is_long: bool = False) -> Request:
    """`later`: nobody waits for the answer, because it takes minutes."""
    return Request(DIALECT, peer, {"send": command, "later": is_long})


# Frames.


def _rejected(frame: Frame, code: str, reason: str) -> Rejected:
    return Rejected(DIALECT, f"{frame.peer} {frame.kind}", code, reason)


def _server(fabric: _Fabric, frame: Frame) -> list[Decoded]:
    body = given.mapping({"": frame.body}, "")
    number = whole_of(body.get("compressed_fabric_id"))
    if number is None or number < 0:
        return [_rejected(frame, "no_fabric", "the server does not say which fabric it looks after")]
    name = f"{number:016x}"
    # Those of another fabric, which the server looked after before, have the same numbers.
    fabric.nodes = {number: node for number, node in fabric.nodes.items() if node.fabric == name}
    fabric.name = name
    origin = Origin(DIALECT, name)
    return [
        Advertisement(
            origin,
            (Alias("matter_fabric", name),),
            name="Matter server",
            model="Matter server",
            device_type=DeviceType.BRIDGE,
            protocol=ProtocolType.MATTER,
            firmware_version=given.text(body, "sdk_version"),
            native={"peer": fabric.peer, "fabric": name},
        ),
        AvailabilityReported(origin, is_available=True),
    ]


def _node(fabric: _Fabric, frame: Frame) -> list[Decoded]:
    body = given.mapping({"": frame.body}, "")
    number = whole_of(body.get("node_id"))
    if number is None or not 0 < number < NODE_MAX:
        return [_rejected(frame, "no_node_id", "a node without a number")]
    if number not in fabric.nodes:
        if len(fabric.nodes) >= NODES_MAX:
            return [_rejected(frame, "too_many_nodes", f"no more than {NODES_MAX} nodes are looked after")]
        fabric.nodes[number] = Node(fabric.name or "", number)
    return list(fabric.nodes[number].described(body, fabric.peer))


def _listed(fabric: _Fabric, body: JsonValue) -> Iterator[Decoded]:
    """Nodes that left while nobody listened. A server may well have none."""
    if not isinstance(body, list | tuple):
        return
    present = {whole_of(number) for number in body}
    if None in present:
        return  # whoever is missing may only be damaged
    for number in sorted(fabric.nodes.keys() - present):
        yield from fabric.nodes.pop(number).all_gone()


def _attribute(fabric: _Fabric, frame: Frame) -> list[Decoded]:
    body = frame.body
    if not isinstance(body, list | tuple) or len(body) != 3 or not isinstance(body[1], str):
        return [_rejected(frame, "not_an_attribute", "node, path and value were expected")]
    number = whole_of(body[0])
    node = fabric.nodes.get(number) if number is not None else None
    if node is None:
        return [_rejected(frame, "unknown_node", f"an attribute of node {number}, which nobody listed")]
    return list(node.changed(body[1], body[2]))


def _event(fabric: _Fabric, body: JsonObject) -> Iterator[Decoded]:
    number, endpoint, cluster, event = (
        whole_of(body.get(name)) for name in ("node_id", "endpoint_id", "cluster_id", "event_id")
    )
    node = fabric.nodes.get(number) if number is not None else None
    if node is not None and endpoint is not None and cluster is not None and event is not None:
        yield from node.event(endpoint, cluster, event, given.mapping(body, "data"))


def _update(fabric: _Fabric, body: JsonObject) -> Iterator[Decoded]:
    number = whole_of(body.get("node"))
    node = fabric.nodes.get(number) if number is not None else None
    if node is not None:
        offer = given.mapping(body, "offer")
        yield from node.told_update(
            whole_of(offer.get("software_version")), given.text(offer, "software_version_string")
        )
