"""A real MQTT broker of the tests' own: iotcore in a child process, on loopback only."""

import socket
from pathlib import Path

from iotcore import Broker

CONFIG = """
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v4.1]
name = "v4-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = 20971520
    max_inflight_count = 100
    dynamic_filters = true
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class EmbeddedBroker:
    """Nothing survives `stop`: sessions and retained messages are gone, as they are with this broker."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self._config = folder / f"rumqttd-{self.port}.toml"
        self._config.write_text(CONFIG.format(port=self.port), encoding="ascii")
        self._broker = Broker(config_path=str(self._config))

    def start(self) -> "EmbeddedBroker":
        self._broker.start()
        return self

    def stop(self) -> None:
        self._broker.stop()
