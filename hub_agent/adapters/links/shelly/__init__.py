"""Links to Shellys of all generations: HTTP and CoIoT of the first, RPC over WebSockets of the later ones, in either direction."""

from hub_agent.adapters.links.shelly.linking import ShellyLinking

__all__ = ["ShellyLinking"]
