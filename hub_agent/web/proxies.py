"""Whom a reverse proxy speaks for: believed only of those that the settings name."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hub_agent.web.guard import address_of, fault
from hub_agent.web.scopes import WEBHOOKS

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "cf-connecting-ip")
_HOPS_MAX = 20

Networks = Sequence[IPv4Network | IPv6Network]


class Proxied:
    """ASGI middleware, outside all others. Behind a named proxy the client is who the proxy says; what anybody else says of it is nothing.

    A proxy on this machine that is not named is refused: all who come through it would count as this machine, which may always come in.
    """

    def __init__(self, app: ASGIApp, trusted: Networks = ()) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("nexa_local"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = next((name for name in FORWARDED if name in headers), None)
        peer = _parsed(address_of(scope))
        if said is None or peer is None:
            await self._app(scope, receive, send)
        elif self._is_trusted(peer):
            await self._app(self._spoken_for(scope, headers), receive, send)
        elif peer.is_loopback and not scope["path"].startswith(WEBHOOKS):
            hint = f'Name it in the settings: trusted_proxies = ["{peer}"] under [web].'
            words = f"A proxy on this machine passes this request on ({said}), and the hub does not know it."
            await fault(403, "unknown_proxy", words, hint)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _spoken_for(self, scope: Scope, headers: Headers) -> Scope:
        """The last address in the row that is no proxy's own: what stands before it anybody may have written."""
        spoken: Scope = {**scope}
        row = ",".join(headers.getlist("x-forwarded-for")).split(",")[-_HOPS_MAX:]
        for said in reversed([each.strip() for each in row]):
            address = _parsed(said)
            if address is None:
                break
            spoken["client"] = (str(address), 0)
            if not self._is_trusted(address):
                break
        if headers.get("x-forwarded-proto", "").strip().casefold() == "https":
            spoken["scheme"] = "https"
        return spoken

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
