"""Every route of the page's API says in hub_agent/web/scopes.py who may use it."""

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from hub_agent.web.access import Access
from hub_agent.web.app import create_app
from hub_agent.web.scopes import OPEN_PATHS, SCOPE_BY_ROUTE
from tests.fakes.door import FakeDoor


def routes_of(app: FastAPI) -> set[str]:
    """ "METHOD /path" of every route, also of those that the description leaves out."""
    found = set()
    for context in iter_route_contexts(app.routes):
        path = getattr(context, "path", "")
        methods = getattr(context, "methods", None)
        found |= {f"{method} {path}" for method in methods or () if method != "HEAD"}
        if not methods:
            found.add(f"GET {path}/{{path:path}}")
    return found


def test_every_route_says_what_it_asks_for(tmp_path: Path) -> None:
    """A new route gets its line in hub_agent/web/scopes.py."""
    access = Access(tmp_path / "sessions.json", lambda: datetime.now(UTC), lambda _: None)
    app = create_app(FakeDoor(), access, "0.1.0")
    routes = {each for each in routes_of(app) if each.partition(" ")[2] not in OPEN_PATHS}
    assert routes - set(SCOPE_BY_ROUTE) == set(), "routes without a line in hub_agent/web/scopes.py"
    assert set(SCOPE_BY_ROUTE) - routes == set(), "lines in hub_agent/web/scopes.py without a route"
