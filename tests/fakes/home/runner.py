"""Lets the simulated home speak over a real broker: one MQTT connection per program or device, each with its last will."""

import select
import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hub_agent.model.report import Publication
from tests.fakes.home.peer import Peer

RECONNECT_S = 1.0
KEEPALIVE_S = 30
# How long to look away at most: keepalives and a request to stop are seen by then.
LOOK_S = 0.25


class Connection:
    """One peer's client. Reads and writes when the runner says so; comes back by itself."""

    def __init__(self, peer: Peer, host: str, port: int) -> None:
        self.peer = peer
        self.is_connected = False
        self._address = (host, port)
        self._retry_at = 0.0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"home-{peer.name}")
        self._client.will_set(peer.will.topic, peer.will.payload, peer.will.qos, peer.will.retain)
        self._client.on_connect = self._welcome
        self._client.on_disconnect = self._lost
        self._client.on_message = self._take

    @property
    def socket(self) -> socket.socket | None:
        return self._client.socket()  # type: ignore[return-value]  # a plain socket: neither TLS nor websockets are used

    def connect_if_due(self, monotonic_s: float) -> None:
        if self.socket is not None or monotonic_s < self._retry_at:
            return
        self._retry_at = monotonic_s + RECONNECT_S
        try:
            self._client.connect(*self._address, keepalive=KEEPALIVE_S)
        except OSError:
            return  # nobody there yet: the next try is a second away

    def attend(self, *, is_readable: bool) -> None:
        if is_readable:
            self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def pass_time(self, now: datetime) -> None:
        timer = self.peer.get_timer() if self.is_connected else None
        if timer is not None and timer <= now:
            self._publish(self.peer.handle_timer(now))

    def stop(self) -> None:
        if self.is_connected:
            self._publish([self.peer.will])
            self._client.disconnect()

    def _welcome(self, *_: object) -> None:
        self.is_connected = True
        self._client.subscribe([(topic, 1) for topic in self.peer.subscriptions] or [("nobody/listens", 0)])
        self._publish(self.peer.start(datetime.now(UTC)))

    def _lost(self, *_: object) -> None:
        self.is_connected = False

    def _take(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self._publish(self.peer.handle(message.topic, message.payload, datetime.now(UTC)))

    def _publish(self, publications: Iterable[Publication]) -> None:
        for said in publications:
            self._client.publish(said.topic, said.payload, said.qos, said.retain)


def run(
    peers: Iterable[Peer], host: str, port: int, is_stopping: Callable[[], bool], on_ready: Callable[[], None]
) -> None:
    """Until `is_stopping`. `on_ready` is called once, when all have been connected."""
    connections = [Connection(peer, host, port) for peer in peers]
    was_ready = False
    while not is_stopping():
        for connection in connections:
            connection.connect_if_due(time.monotonic())
        _look(connections)
        for connection in connections:
            connection.pass_time(datetime.now(UTC))
        if not was_ready and all(connection.is_connected for connection in connections):
            was_ready = True
            on_ready()
    for connection in connections:
        connection.stop()


def _look(connections: list[Connection]) -> None:
    """Waits for a message or for the next thing to happen."""
    by_socket = {sock: connection for connection in connections if (sock := connection.socket) is not None}
    timers = [timer for c in connections if c.is_connected and (timer := c.peer.get_timer()) is not None]
    until_next_s = (min(timers) - datetime.now(UTC)).total_seconds() if timers else LOOK_S
    if not by_socket:
        time.sleep(LOOK_S)
        return
    readable, _, _ = select.select(list(by_socket), [], [], max(0.0, min(LOOK_S, until_next_s)))
    for sock, connection in by_socket.items():
        connection.attend(is_readable=sock in readable)
