"""A thin HTTP front for the hub functions, where there is no PostgREST: same calls, and compressed bodies and waiting besides."""

from cloud_schema.gateway.app import create_app

__all__ = ["create_app"]
