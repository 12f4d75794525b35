"""Zigbee2MQTT: a Zigbee bridge that speaks JSON over MQTT, below one base topic.

`driver.py` knows the topics, `exposes.py` makes entities of what a model can do, `reading.py` turns payloads into reports,
`writing.py` turns actions into payloads. What reading and writing need of an entity stands in its `native`, so a restart
needs no message from the bridge.
"""

from hub_agent.drivers.zigbee2mqtt.driver import DIALECT, Zigbee2Mqtt

__all__ = ["DIALECT", "Zigbee2Mqtt"]
