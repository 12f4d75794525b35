"""A bridge of HAP-python with a lamp, a thermometer, a lock, a thermostat and a button: `hap_bridge.py PORT STATE_FILE CODE`.

It stays on 127.0.0.1. A line of JSON on stdin changes a value from its side: {"of": "Thermometer", "service": "TemperatureSensor",
"what": "CurrentTemperature", "to": 21.5}. Each value that a controller sets is a line of JSON on stdout. It ends when stdin does.
"""

import json
import os
import socket
import sys
import threading

from pyhap.accessory import Accessory, Bridge
from pyhap.accessory_driver import AccessoryDriver
from pyhap.const import CATEGORY_DOOR_LOCK, CATEGORY_LIGHTBULB, CATEGORY_SENSOR, CATEGORY_THERMOSTAT
from zeroconf.asyncio import AsyncZeroconf

PARTS = (
    ("Lamp", CATEGORY_LIGHTBULB, "Lightbulb", ["On", "Brightness", "Hue", "Saturation", "ColorTemperature"]),
    ("Thermometer", CATEGORY_SENSOR, "TemperatureSensor", ["CurrentTemperature"]),
    ("Front door", CATEGORY_DOOR_LOCK, "LockMechanism", ["LockCurrentState", "LockTargetState"]),
    (
        "Heating",
        CATEGORY_THERMOSTAT,
        "Thermostat",
        ["CurrentHeatingCoolingState", "TargetHeatingCoolingState", "CurrentTemperature", "TargetTemperature"],
    ),
    ("Button", CATEGORY_SENSOR, "StatelessProgrammableSwitch", ["ProgrammableSwitchEvent"]),
)


# The library prints to people, from threads of its own: not into our lines.
SAID, sys.stdout = sys.stdout, sys.stderr


def say(body: dict) -> None:
    SAID.write(json.dumps(body) + "\n")
    SAID.flush()


class Part(Accessory):
    def __init__(self, driver, name, category, service, characteristics):
        super().__init__(driver, name)
        self.category = category
        self.service = self.add_preload_service(service, chars=characteristics)
        self.set_info_service("1.2.3", "Test Works", f"{name} One", f"SN-{name.replace(' ', '')}-0042")
        for each in characteristics:
            found = self.service.get_characteristic(each)
            found.setter_callback = lambda value, what=each: self.was_set(what, value)

    def was_set(self, what, value):
        say({"set": what, "of": self.display_name, "to": value})
        if what == "LockTargetState":
            # A lock takes its time; here it takes none.
            self.service.get_characteristic("LockCurrentState").set_value(value)


def listen(driver, parts, port):
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        threading.Event().wait(0.02)
    say({"ready": port, "id": driver.state.mac})
    for line in sys.stdin:
        order = json.loads(line)
        found = parts[order["of"]].service.get_characteristic(order["what"])
        driver.loop.call_soon_threadsafe(found.set_value, order["to"])
    os._exit(0)


def main() -> None:
    port, state, code = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    driver = AccessoryDriver(
        address="127.0.0.1",
        listen_address="127.0.0.1",
        port=port,
        persist_file=state,
        pincode=code.encode(),
        async_zeroconf_instance=AsyncZeroconf(interfaces=["127.0.0.1"]),
    )
    bridge = Bridge(driver, "Test Bridge")
    parts = {name: Part(driver, name, *rest) for name, *rest in PARTS}
    for part in parts.values():
        bridge.add_accessory(part)
    driver.add_accessory(bridge)
    threading.Thread(target=listen, args=(driver, parts, port), daemon=True).start()

    driver.start()


if __name__ == "__main__":
    main()
