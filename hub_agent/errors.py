"""Everything that can go wrong because of the world, in one tree. What goes wrong because of us is an assertion.

HubAgentError
└── OperatingError            the world's fault: said in words for people, the agent goes on
    ├── ConfigError           a setting is missing, unknown or out of range
    ├── AddressInUse          a port or socket is taken by somebody else
    ├── BrokerUnavailable     no MQTT broker answers
    ├── CloudError            the cloud cannot be used now
    │   ├── CloudUnreachable  no answer, or a server's fault: try again later
    │   ├── CloudRefused      it answered no: who we are, or what we sent, is wrong
    │   └── AgentTooOld       the cloud needs a newer agent; the home goes on locally
    ├── ClaimError            the claim code is wrong, used or expired
    ├── MirrorError           the mirror's file cannot be used
    │   ├── MirrorCorrupt     it is not a database, or a page is broken
    │   ├── MirrorFull        the disk is full
    │   └── MirrorTooNew      a newer agent has written it
    ├── BackupUnusable        a backup that is damaged, locked, or none
    ├── DefinitionError       an automation or scene that cannot be understood
    ├── FileNotUnderstood     a file of people's configuration that cannot be read
    ├── TemplateError         a template that cannot be read, or fails for these values
    ├── NotFound              no scene, device, automation or run of that name
    ├── NotPossible           the device cannot do what was asked
    │   └── Outdated          it was changed by somebody else since it was read
    ├── LinkError             a peer of a dialect cannot be talked to now
    │   ├── LinkLost          no connection, or it ended: tried again
    │   ├── LinkAsleep        it sleeps and comes back by itself: a device on batteries
    │   └── PersonNeeded      it cannot be talked to before a person has done or given something
    ├── ListenerLost          what listens to the network has ended
    └── AgentNotRunning       the command line found nobody at the socket
"""

from pathlib import Path


class HubAgentError(Exception):
    """Root of all errors of this package."""


class OperatingError(HubAgentError):
    """The world's fault. `str()` says what is wrong, where, and what to do."""


class ConfigError(OperatingError):
    pass


class AddressInUse(OperatingError):
    pass


class BrokerUnavailable(OperatingError):
    pass


class CloudError(OperatingError):
    """`code` is the cloud's own word for what is wrong (`hub_retired`, `envelope_too_large` ...), where it gave one."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, code: str = "") -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.code = code


class CloudUnreachable(CloudError):
    pass


class CloudRefused(CloudError):
    pass


class AgentTooOld(CloudError):
    pass


class ClaimError(OperatingError):
    pass


class MirrorError(OperatingError):
    pass


class MirrorCorrupt(MirrorError):
    pass


class MirrorFull(MirrorError):
    pass


class MirrorTooNew(MirrorError):
    pass


class BackupUnusable(OperatingError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}.")


class DefinitionError(OperatingError):
    """An automation, script or scene that cannot be understood. `where` is a path such as `triggers/0/above`."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class FileNotUnderstood(OperatingError):
    """Says in which `file` and `line`; `text` is what is wrong there."""

    def __init__(self, text: str, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}: {text}")
        self.text = text
        self.file = file
        self.line = line


class TemplateError(OperatingError):
    """`is_value_missing`: the template is sound, but asks for something that is not there."""

    def __init__(self, message: str, *, is_value_missing: bool = False) -> None:
        super().__init__(message)
        self.is_value_missing = is_value_missing


class NotFound(OperatingError):
    """`field`: which part of what was asked for is to blame, where that is known, such as `desired/light.hall`."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotPossible(OperatingError):
    """`field` as of NotFound."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Outdated(NotPossible):
    pass


class LinkError(OperatingError):
    pass


class LinkLost(LinkError):
    pass


class LinkAsleep(LinkError):
    pass


class PersonNeeded(LinkError):
    """`str()` is one line that says what is needed. `kind`: a NeedKind's value. `fields`: what to give, by name."""

    def __init__(self, text: str, kind: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.kind = kind
        self.fields = fields


class ListenerLost(OperatingError):
    pass


class AgentNotRunning(OperatingError):
    pass
