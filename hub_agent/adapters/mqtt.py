"""The MQTT broker, on the event loop's own sockets: no network thread, no hop between threads per message.

Each connection gets a paho client of its own. A client that lives on would send unacknowledged commands again after a reconnect,
however late that is; commands here expire instead.
"""

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from hub_agent.model.report import MqttMessage, Publication

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 5.0
BACKOFF_S_MIN = 1.0
BACKOFF_S_MAX = 30.0

# Messages read in one go before the event loop may do something else.
READ_MAX = 64

# A broker that takes nothing for this many packets counts as gone; its keepalive will find out why.
UNSENT_MAX = 1000

SUBSCRIBE_MAX = 100

# Read from the socket in one go.
READ_BYTES = 64 * 1024

# Only Linux has it.
QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)

_REFUSALS = {
    "Not authorized": "it refuses us: check mqtt.username and mqtt.password_file",
    "Bad user name or password": "it does not accept our user name and password: check mqtt.username and mqtt.password_file",
}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _Client(paho.Client):
    """Takes from the socket all that has arrived; paho itself asks the kernel three times for each packet."""

    _arrived = b""
    _taken = 0

    @property
    def has_arrived(self) -> bool:
        """Something that the socket no longer tells of."""
        return self._taken < len(self._arrived)

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self.has_arrived:
            self._arrived, self._taken = super()._sock_recv(READ_BYTES), 0
        piece = self._arrived[self._taken : self._taken + bufsize]
        self._taken += len(piece)
        return piece


class MqttBroker:
    """Fills ports.Broker."""

    def __init__(self, address: BrokerAddress, jitter: random.Random, client_id: str) -> None:
        self._address = address
        self._jitter = jitter
        self._client_id = client_id
        self._topics: dict[str, None] = {}
        self._client: _Client | None = None
        self._socket: socket.socket | None = None
        self._is_connected = False
        self._is_reading = False
        self._has_read = False
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._is_wanted_now = asyncio.Event()
        self._reason = ""

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    def start(self, on_message: Callable[[MqttMessage], bool], on_change: Callable[[bool, str], None]) -> None:
        self._on_message = on_message
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._stay_connected(), name="mqtt")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._client and self._is_connected:
            self._client.disconnect()
        self._drop()

    def reconnect(self) -> None:
        """Gives up the connection, if there is one, and tries at once: the other side may be gone without a word."""
        self._is_wanted_now.set()
        if self._is_connected:
            self._reason = "it is connected to anew"
            self._closed.set()

    def resume(self) -> None:
        if self._socket is not None and not self._is_reading:
            self._is_reading = True
            self._loop.add_reader(self._socket, self._readable)
            self._loop.call_soon(self._readable)  # what was read or decrypted before does not wake the socket

    def subscribe(self, topics: Sequence[str]) -> None:
        fresh = [topic for topic in topics if topic not in self._topics]
        self._topics.update(dict.fromkeys(fresh))
        self._ask_for(fresh)

    def unsubscribe(self, topics: Sequence[str]) -> None:
        known = [topic for topic in topics if self._topics.pop(topic, self) is None]
        if self._client and self._is_connected and known:
            self._client.unsubscribe(known)
            self._flush()

    def publish(self, publication: Publication) -> bool:
        client = self._client
        if client is None or not self._is_connected or len(client._out_packet) > UNSENT_MAX:  # noqa: SLF001 paho has no public measure of its backlog
            return False
        told = client.publish(publication.topic, publication.payload, publication.qos, publication.retain)
        self._flush()
        return told.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    # The connection's life.

    async def _stay_connected(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            self._closed.clear()
            self._reason = "it closed the connection before it answered as an MQTT broker"
            if await self._connect():
                await self._closed.wait()
            if self._is_connected:
                backoff_s = BACKOFF_S_MIN
            self._drop()
            self._on_change(False, f"{self._address}: {self._reason}")
            self._is_wanted_now.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_wanted_now.wait(), backoff_s * self._jitter.uniform(0.5, 1.0))
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _connect(self) -> bool:
        """Whether the socket is open; otherwise `_reason` says why not."""
        client = self._new_client()
        try:
            await self._loop.run_in_executor(None, client.connect, self._address.host, self._address.port, KEEPALIVE_S)
        except (OSError, ValueError) as err:
            self._reason = _in_words(err)
            return False
        self._client = client
        opened = client.socket()
        self._socket = opened if isinstance(opened, socket.socket) else None
        if self._socket is None:
            return False
        # Or the second of two commands waits until the first one's segment is acknowledged: up to 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.resume()
        self._loop.call_later(CONNECT_TIMEOUT_S, self._give_up, client)
        self._tick(client)
        return True

    def _new_client(self) -> _Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            # A name of its own for each connection: brokers may still be tidying up after the last one of that name.
            client_id=f"{self._client_id}-{self._jitter.getrandbits(32):08x}",
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(UNSENT_MAX)
        if self._address.username:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._connected
        client.on_socket_close = self._socket_closes
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        return client

    def _connected(
        self, _client: paho.Client, _user: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._reason = _REFUSALS.get(str(reason), f"it refuses us: {reason}")
            self._loop.call_soon(self._closed.set)
            return
        self._is_connected = True
        # Subscribing writes, which paho does not do inside its own callbacks.
        self._loop.call_soon(self._ask_for, list(self._topics))
        self._on_change(True, "")

    def _disconnected(
        self, client: paho.Client, _user: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if client is not self._client:
            return
        if self._is_connected:
            self._reason = f"the connection was lost ({reason})"
        self._loop.call_soon(self._closed.set)

    def _socket_closes(self, _client: paho.Client, _user: object, closing: object) -> None:
        """Before it does: the event loop must not go on watching a descriptor that the next connection may get."""
        if closing is self._socket:
            self._forget_socket()

    def _forget_socket(self) -> None:
        if self._socket is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket = None

    def _drop(self) -> None:
        self._forget_socket()
        self._is_connected = self._is_reading = False
        client, self._client = self._client, None
        if client is not None and (still_open := client.socket()) is not None:
            still_open.close()

    def _give_up(self, client: paho.Client) -> None:
        if client is self._client and not self._is_connected:
            self._reason = f"it does not answer as an MQTT broker within {CONNECT_TIMEOUT_S:g} s"
            self._closed.set()

    def _tick(self, client: paho.Client) -> None:
        """Keepalive, once a second while this client lives."""
        if client is not self._client:
            return
        if client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._closed.set()
            return
        self._flush()
        self._loop.call_later(1.0, self._tick, client)

    # Bytes.

    def _readable(self) -> None:
        client = self._client
        if client is None or not self._is_reading:
            return
        for _ in range(READ_MAX):
            self._has_read = False
            if client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._closed.set()
                return
            if not self._has_read or self._is_full():
                break
        self._flush()
        self._acknowledge()
        if not self._is_full() and (client.has_arrived or self._has_decrypted()):
            self._loop.call_soon(self._readable)

    def _has_decrypted(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _acknowledge(self) -> None:
        """Brokers keep a small message back until the last one is acknowledged, which the kernel puts off for up to 40 ms.
        It has to be told each time.
        """
        if self._socket is not None and QUICK_ACK is not None:
            with contextlib.suppress(OSError):  # a connection that is just going says so when it is read
                self._socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)

    def _message(self, _client: paho.Client, _user: object, message: paho.MQTTMessage) -> None:
        self._has_read = True
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # MQTT forbids it; there is nobody it could be for
        has_room = self._on_message(MqttMessage(topic, bytes(message.payload), message.retain))
        if not has_room:
            self._is_reading = False
            if self._socket is not None:
                self._loop.remove_reader(self._socket)

    def _is_full(self) -> bool:
        return not self._is_reading

    def _flush(self) -> None:
        client = self._client
        if client is None or self._socket is None or not client.want_write():
            return
        if client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS and client.want_write() and self._socket is not None:
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        client, open_socket = self._client, self._socket
        if client is None or open_socket is None:
            return
        is_written = client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS or not client.want_write()
        if is_written and self._socket is open_socket:
            self._loop.remove_writer(open_socket)

    def _ask_for(self, topics: list[str]) -> None:
        if self._client is None or not self._is_connected:
            return
        for start in range(0, len(topics), SUBSCRIBE_MAX):
            self._client.subscribe([(topic, 0) for topic in topics[start : start + SUBSCRIBE_MAX]])
        self._flush()


def _in_words(err: OSError | ValueError) -> str:
    if isinstance(err, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(err, socket.gaierror):
        return "its name is not known"
    if isinstance(err, TimeoutError):
        return "it does not answer"
    return str(err)
