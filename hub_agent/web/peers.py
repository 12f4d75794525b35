"""Who is at the other end of the Unix socket: the kernel says it, nobody can make it up."""

import os
import pwd
import socket
import struct
from dataclasses import dataclass
from functools import lru_cache

from hub_agent.web.access import LOCAL

_CREDENTIALS = struct.Struct("iII")
# Python has no name for it.
_SO_PEERGROUPS = 59
_GROUPS_BYTES_MAX = 1024
# What the kernel says of users that the service's sandbox hides from it.
_HIDDEN_UID = 65534


@dataclass(frozen=True, slots=True)
class Peer:
    """`by`: whom a deed is written down to. `may`: root, the agent's own user, and members of the agent's group."""

    uid: int
    by: str
    may: bool


def peer_of(connection: socket.socket) -> Peer:
    """The file's mode lets in the same; this holds also where somebody has changed it."""
    _, uid, gid = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    may = uid in {0, os.geteuid()} or os.getegid() in {gid, *_groups_of(connection)}
    return Peer(uid, _name(uid), may)


def _groups_of(connection: socket.socket) -> tuple[int, ...]:
    """Of a process in more than 256 groups none count: it may use sudo."""
    try:
        body = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES_MAX)
    except OSError:
        return ()
    return struct.unpack(f"{len(body) // 4}I", body)


@lru_cache(maxsize=64)
def _name(uid: int) -> str:
    if uid == _HIDDEN_UID:
        return LOCAL
    try:
        return f"{LOCAL}: {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"{LOCAL}: user {uid}"
