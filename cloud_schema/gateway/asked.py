"""What the database is told of a request, as PostgREST tells it: its headers, method and path."""

import ipaddress

from fastapi import Request

# Whoever reads logs or audit must not find in them what opens the door.
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "apikey", "x-api-key"})
VALUE_LENGTH_MAX = 500
HEADERS_MAX = 50


def client_address(request: Request) -> str:
    """Who really asks. The server has put in the place of a trusted proxy whom that proxy names, and of no other."""
    return request.client.host if request.client else ""


def told_headers(request: Request) -> dict[str, str]:
    """Names in lower case; `x-forwarded-for` is always the one address that is known to ask, whatever the caller claims."""
    told: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in SECRET_HEADERS or (name not in told and len(told) >= HEADERS_MAX):
            continue
        joined = f"{told[name]}, {value}" if name in told else value
        told[name] = joined[:VALUE_LENGTH_MAX]
    told.pop("x-forwarded-for", None)
    if _is_address(address := client_address(request)):
        told["x-forwarded-for"] = address
    return told


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
