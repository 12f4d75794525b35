"""An envelope as it waits: the body compressed as it came, and beside it what the gateway had verified of the caller."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloud_schema.gateway.bodies import read_body
from cloud_schema.gateway.refusal import Refused

CLAIMS, TOLD, ENCODING = "Nexa-Claims", "Nexa-Told", "Content-Encoding"
# For the headers of a message, besides its body.
HEADER_BYTES = 16 * 1024


class BadMessage(Exception):
    """Nobody will be able to write this."""


@dataclass(frozen=True)
class Waiting:
    """`body` is JSON, compressed as `encoding` says; `told` are the caller's headers, for the audit."""

    claims: Mapping[str, Any]
    told: Mapping[str, str]
    body: bytes
    encoding: str

    def headers(self) -> dict[str, str]:
        # In ASCII and on one line, whatever a hub puts there.
        return {CLAIMS: json.dumps(self.claims), TOLD: json.dumps(self.told), ENCODING: self.encoding}

    def request(self) -> dict[str, Any]:
        """Raises BadMessage. Bounded once more: what waits here may have been put by another version."""
        try:
            return read_body(self.body, self.encoding)
        except Refused as refused:
            raise BadMessage(str(refused)) from refused


def read(headers: Mapping[str, str] | None, body: bytes) -> Waiting:
    try:
        found = headers or {}
        claims, told = json.loads(found[CLAIMS]), json.loads(found[TOLD])
        if not (isinstance(claims, dict) and isinstance(told, dict) and claims["role"] == "hub"):
            raise BadMessage("It does not say whose it is.")
    except (KeyError, ValueError) as err:
        raise BadMessage("It does not say whose it is.") from err
    return Waiting(claims, told, body, found.get(ENCODING, "identity"))
