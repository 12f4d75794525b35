"""The whole of what hub and cloud keep, once more: an operator's command where something seems to be amiss."""

from hub_agent.model.json import JsonObject
from hub_agent.ports import Done
from hub_agent.runtime.uplink import Uplink


class Resync:
    """An errand: everything is read anew and told anew, and the records are compared."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del data, wants_response
        self._uplink.read_all()
        self._uplink.tell_all()
        self._uplink.verify_soon()
        return Done({"text": "definitions are read anew, the present is told anew, records are compared"})
