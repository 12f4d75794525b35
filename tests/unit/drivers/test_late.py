"""A dialect with links is loaded when somebody needs it, and then it is as if it had always been there."""

import subprocess
import sys

import pytest

from hub_agent.adapters.links.registry import LINKINGS
from hub_agent.drivers.driver import SceneDriver
from hub_agent.drivers.late import Late
from hub_agent.drivers.registry import Dialects, link_drivers
from hub_agent.model.link import Frame
from hub_agent.model.report import Rejected

LATE = [each for each in link_drivers() if isinstance(each, Late)]


def test_every_dialect_that_has_links_has_a_driver() -> None:
    assert sorted(each.dialect for each in link_drivers()) == sorted(LINKINGS)


@pytest.mark.parametrize("late", LATE, ids=lambda each: each.dialect)
def test_what_is_loaded_is_the_dialect_that_is_registered(late: Late) -> None:
    assert late.driver.dialect == late.dialect
    assert late.driver is late.driver


@pytest.mark.parametrize("late", LATE, ids=lambda each: each.dialect)
def test_a_dialect_keeps_scenes_before_it_is_loaded_if_it_does_so_after(late: Late) -> None:
    assert isinstance(late, SceneDriver) is isinstance(late.driver, SceneDriver)


def test_an_agent_to_whom_nobody_speaks_has_loaded_no_dialect_with_links() -> None:
    script = (
        "import sys, hub_agent.agent as agent\n"
        "from hub_agent.drivers.registry import Dialects, link_drivers\n"
        "dialects = Dialects([], link_drivers())\n"
        "dialects.restore([]), dialects.unexplained()\n"
        "from hub_agent.adapters.links.registry import LINKINGS\n"
        "print([name for name in LINKINGS if f'hub_agent.drivers.{name}' in sys.modules])\n"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]"


def test_a_dialect_that_cannot_be_loaded_is_rejected_and_stops_nobody() -> None:
    dialects = Dialects([], [Late("nowhere", "Nothing")])
    told = dialects.hear(Frame("nowhere", "peer", "state", {}))
    assert [each.code for each in told if isinstance(each, Rejected)] == ["driver_error"]
