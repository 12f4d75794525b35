"""python -m tests.fakes.home --host 127.0.0.1 --port 1883 --seed 1 --speed 1"""

import argparse
import signal

from tests.fakes.home.home import SimulatedHome
from tests.fakes.home.runner import run


def main() -> None:
    parser = argparse.ArgumentParser(
        description="A simulated home that speaks Zigbee2MQTT and Home Assistant discovery."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where the MQTT broker is")
    parser.add_argument("--port", type=int, default=1883, help="its port")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same home")
    parser.add_argument("--speed", type=float, default=1.0, help="2: things happen twice as often")
    options = parser.parse_args()
    if options.speed <= 0:
        parser.error("--speed must be above 0")
    stopping = []
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda *_: stopping.append(True))
    home = SimulatedHome(options.seed, options.speed)
    run(home.peers, options.host, options.port, lambda: bool(stopping), lambda: print("ready", flush=True))


main()
