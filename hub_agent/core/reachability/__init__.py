"""The ways from the hub to router, internet, cloud and broker: which is the nearest that is broken, and since when."""

from hub_agent.core.reachability.room import Reachability as Reachability
