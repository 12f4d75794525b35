"""Two networks of our own, joined by cables, so that mDNS really goes over a wire and nothing leaves this machine.

    with two_namespaces() as (theirs, ours):
        peer = theirs.start(["some-device", "--interface", theirs.interfaces[0]])
        with ours.entered():
            ...  # sockets made here, and processes started here, are in our namespace

The namespaces have no names: they exist as long as a process is in them. The one that holds a namespace ends when its stdin does, and those
started in it are killed with us, so nothing is left behind even if the test is killed.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

import pytest

CLONE_NEWNET = 0x40000000
SETUP_S_MAX = 10


@dataclass(frozen=True, slots=True)
class Namespace:
    """`interfaces`, `ipv4`, `ipv6`, `link_local`: one for each cable."""

    pid: int
    interfaces: tuple[str, ...]
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    link_local: tuple[str, ...]

    def command(self, command: Sequence[str | os.PathLike[str]]) -> list[str]:
        """What runs `command` in here, and ends with whoever has started it."""
        into = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]
        return [*into, "setpriv", "--pdeathsig", "KILL", *map(os.fspath, command)]

    def start(self, command: Sequence[str | os.PathLike[str]], **how: Any) -> "subprocess.Popen[Any]":
        """Its pid is that of the command itself."""
        return subprocess.Popen(self.command(command), **how)

    def run(self, *command: str) -> str:
        done = subprocess.run(self.command(command), capture_output=True, text=True, timeout=SETUP_S_MAX, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    @contextmanager
    def entered(self) -> Iterator[None]:
        """From now on the thread is in here: sockets, threads and processes that it makes are too, and stay."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self.pid}/ns/net") as there:  # noqa: PTH123 descriptors are what counts
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


@contextmanager
def two_namespaces(cables: int = 1) -> Iterator[tuple[Namespace, Namespace]]:
    """A cable has the addresses 10.77.N.1 and .2, fd77:N::1 and ::2, fe80::1 and ::2; N counts from 0."""
    if os.geteuid() != 0:
        pytest.skip("not run: network namespaces need root")
    with ExitStack() as undo:
        holders = [undo.enter_context(_holder()) for _ in "ab"]
        a, b = (
            Namespace(
                holder.pid,
                interfaces=tuple(f"v{letter}{number}" for number in range(cables)),
                ipv4=tuple(f"10.77.{number}.{end}" for number in range(cables)),
                ipv6=tuple(str(IPv6Address(f"fd77:{number}::{end}")) for number in range(cables)),
                link_local=tuple(f"fe80::{end}" for _ in range(cables)),
            )
            for end, (letter, holder) in enumerate(zip("ab", holders, strict=True), 1)
        )
        for near, far in zip(a.interfaces, b.interfaces, strict=True):
            a.run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", str(b.pid))
        for end in (a, b):
            _furnish(end)
        yield a, b


def _furnish(namespace: Namespace) -> None:
    lines = ["link set lo up"]
    for number, interface in enumerate(namespace.interfaces):
        # Our own link-local address, because the kernel's would be tentative for a second or two.
        lines += [f"link set {interface} addrgenmode none", f"link set {interface} up"]
        lines += [f"addr add {namespace.ipv4[number]}/24 dev {interface}"]
        lines += [f"addr add {namespace.ipv6[number]}/64 dev {interface} nodad"]
        lines += [f"addr add {namespace.link_local[number]}/64 dev {interface} nodad"]
    lines += [f"route add 224.0.0.0/4 dev {namespace.interfaces[0]}"]
    subprocess.run(
        namespace.command(["ip", "-batch", "-"]),
        input="\n".join(lines),
        text=True,
        timeout=SETUP_S_MAX,
        check=True,
    )


@contextmanager
def _holder() -> Iterator["subprocess.Popen[bytes]"]:
    holder = subprocess.Popen(
        ["unshare", "--net", "--", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        if not holder.stdout.readline():
            pytest.skip("not run: this kernel gives no network namespaces")
        yield holder
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait(SETUP_S_MAX)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
