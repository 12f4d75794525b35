"""Keeps the embedded MQTT broker running for the demo, until SIGTERM: python deploy/demo_broker.py SETTINGS_FILE"""

import signal
import sys

import iotcore


def main() -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    with iotcore.Broker(config_path=sys.argv[1]).start():
        print("ready", flush=True)
        signal.pause()


main()
