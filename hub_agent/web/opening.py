"""Opens the page to the network and the API to the command line: one app behind two doors."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from hub_agent.config import Config
from hub_agent.ports import Door
from hub_agent.web.access import Access
from hub_agent.web.activity import note_access
from hub_agent.web.app import create_app
from hub_agent.web.guard import trusted
from hub_agent.web.server import bind_tcp, bind_unix, serve
from hub_agent.web.tls import tls_of


class Opening:
    def __init__(
        self,
        door: Door,
        access: Access,
        config: Config,
        *,
        version: str,
        names: Iterable[str],
        now: Callable[[], datetime],
    ) -> None:
        """`names`: host names that this hub goes by."""
        self._config = config
        self._tls = tls_of(config.web, config.agent.state_dir, names, now)
        access.on_event = partial(note_access, door)
        self._app = create_app(
            door, access, version, proxies=config.web.trusted_proxies, tls=self._tls, is_plain=config.web.plain
        )

    async def page(self) -> None:
        """Until cancelled. Raises AddressInUse."""
        web = self._config.web
        await serve(self._app, bind_tcp(web.host, web.port), self._tls)

    async def command_line(self) -> None:
        """Until cancelled. Raises AddressInUse."""
        await serve(trusted(self._app), bind_unix(self._config.agent.socket))
