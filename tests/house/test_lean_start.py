"""What most homes never need costs them neither memory nor a slower start."""

import subprocess
import sys

# Each is loaded by whoever first needs it.
LATE = ("jinja2", "fastapi", "uvicorn", "yaml", "zeroconf", "cryptography", "hub_agent.importing")


def test_the_agent_loads_late_what_it_may_never_need() -> None:
    code = f"import sys, hub_agent.agent; print([each for each in {LATE!r} if each in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.strip() == "[]"
