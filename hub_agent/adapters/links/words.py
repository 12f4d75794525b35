"""Why something on the network cannot be talked to, in words for people; what a library says of it goes to nobody."""

import errno
import socket
import ssl
from collections.abc import Iterator

_NOBODY = frozenset({errno.ECONNREFUSED})
_NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_ENDED = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ENOTCONN})
_SILENT = frozenset({errno.ETIMEDOUT})


def why_lost(error: BaseException) -> str:
    """Half a sentence: `{name} cannot be reached: {why}.`"""
    return next((words for each in _causes(error) if (words := _words(each)) is not None), "the connection failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Libraries wrap what the system said, some deeply, and some in groups."""
    open_ones, seen = [error], 0
    while open_ones and seen < 20:
        each = open_ones.pop(0)
        seen += 1
        yield each
        if isinstance(each, BaseExceptionGroup):
            open_ones.extend(each.exceptions)
        open_ones.extend(cause for cause in (each.__cause__, each.__context__) if cause is not None)


def _words(error: BaseException) -> str | None:
    number = error.errno if isinstance(error, OSError) else None
    said = str(error)
    if isinstance(error, ssl.SSLError):
        return "its encryption is not what was expected"
    if isinstance(error, socket.gaierror):
        return "its name is not known on the network"
    if number in _NOBODY or "Connect call failed" in said:
        return "nothing answers at its address"
    if number in _NO_WAY:
        return "there is no way to its address"
    if number in _ENDED or isinstance(error, ConnectionResetError | BrokenPipeError | EOFError):
        return "it ended the connection"
    if number in _SILENT or isinstance(error, TimeoutError):
        return "it did not answer in time"
    return None
