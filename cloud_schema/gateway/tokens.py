"""JSON Web Tokens: what a caller claims to be, verified; and what a hub may claim, signed."""

import time
from collections.abc import Mapping
from typing import Any

import jwt

from cloud_schema.gateway.refusal import Refused

ALGORITHM = "HS256"
ROLES = frozenset({"hub", "authenticated", "service_role"})
SECRET_BYTES_MIN = 32
LEEWAY_S = 30


class Tokens:
    """One secret, shared with whoever else signs for this database (Supabase, say)."""

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"The JWT secret must have at least {SECRET_BYTES_MIN} bytes.")
        self._secret = secret

    def verify(self, authorization: str | None) -> dict[str, Any]:
        """The claims of a Bearer header; without one, those of nobody (`anon`)."""
        if authorization is None:
            return {"role": "anon"}
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "PGRST301", "The Authorization header must be: Bearer <token>.", "token_malformed")
        try:
            claims: dict[str, Any] = jwt.decode(
                token.strip(),
                self._secret,
                algorithms=[ALGORITHM],
                leeway=LEEWAY_S,
                options={"require": ["exp", "role"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as err:
            raise Refused(
                401, "PGRST303", "The token has expired.", "token_expired", hint="Get a new one from hub_token_v1."
            ) from err
        except jwt.InvalidTokenError as err:
            raise Refused(401, "PGRST301", f"The token is not valid: {err}.", "token_invalid") from err
        if claims["role"] not in ROLES:
            raise Refused(403, "PGRST301", "The token's role is not one of ours.", "role_unknown")
        return claims

    def sign(self, grant: Mapping[str, Any]) -> str:
        """A token for what hub_token_v1 granted."""
        now = int(time.time())
        claims = {
            "role": grant["role"],
            "hub_id": grant["hub_id"],
            "home_id": grant["home_id"],
            "iat": now,
            "exp": now + int(grant["expires_in_s"]),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)
