"""What passes between the agent and the process of a dialect: one JSON object a line, both ways.

agent -> process   {"do": "open", "peer": PEER, "secrets": {...}}     keep a link to it; again: its address is renewed
{"do": "close", "key": KEY}
{"do": "ask", "id": N, "key": KEY, "body": {...}}   answered by "done"
{"do": "pair", "id": N, "peer": PEER, "given": {...}, "secrets": {...}}   answered by "done"
{"do": "ping", "id": N}                             answered by "done"
process -> agent   {"say": "frame", "key": KEY, "kind": ..., "body": ...}
{"say": "link", "key": KEY, "status": ..., "reason": ..., "need": NEED or null}
{"say": "found", "peer": PEER}
{"say": "keep", "key": KEY, "secrets": {...}}
{"say": "done", "id": N, "error": null or text, "need": NEED or null, "secrets": {...} or null}
{"say": "dropped", "count": N}                      more was said than could be passed on
"""

from collections.abc import Mapping
from typing import Final

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Need, NeedKind, Peer

# A bridge that tells everything at once; adapters say one device a frame where they can.
LINE_BYTES_MAX: Final = 16 * 1024 * 1024

# What arrives at the agent of one dialect in the long run; more waits in its process, and is dropped there.
FRAMES_A_SECOND_MAX: Final = 500
FRAMES_AT_ONCE_MAX: Final = 5_000


def peer_as_json(peer: Peer) -> JsonObject:
    return {
        "dialect": peer.dialect,
        "key": peer.key,
        "name": peer.name,
        "hosts": list(peer.hosts),
        "port": peer.port,
        "txt": dict(peer.txt),
    }


def peer_of(body: JsonValue) -> Peer:
    """Raises KeyError, TypeError, ValueError: the other end of the wire is ours."""
    if not isinstance(body, Mapping):
        raise TypeError("a peer is an object")
    hosts, port, txt = body["hosts"], body["port"], body["txt"]
    if not isinstance(hosts, list | tuple) or not isinstance(txt, Mapping):
        raise TypeError("a peer has hosts and txt")
    return Peer(
        str(body["dialect"]),
        str(body["key"]),
        str(body["name"]),
        tuple(str(host) for host in hosts),
        port if isinstance(port, int) else None,
        {str(key): str(said) for key, said in txt.items()},
    )


def need_as_json(need: Need | None) -> JsonValue:
    return None if need is None else {"kind": need.kind.value, "text": need.text, "fields": list(need.fields)}


def need_of(body: JsonValue) -> Need | None:
    if not isinstance(body, Mapping):
        return None
    fields = body.get("fields")
    return Need(
        NeedKind(str(body["kind"])),
        str(body["text"]),
        tuple(str(name) for name in fields) if isinstance(fields, list | tuple) else (),
    )


def secrets_of(body: JsonValue) -> dict[str, str]:
    return {str(name): str(said) for name, said in body.items()} if isinstance(body, Mapping) else {}
