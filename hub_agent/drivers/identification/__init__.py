"""What announces itself on the network, identified by what it says."""

from hub_agent.model.link import PeerFound, PeerGone, Service, ServiceGone


def identify(service: Service) -> PeerFound | None:
    """None: nothing that a home would want to know of."""
    dialect = service.kind if service.via == "manual" else None
    if service.via == "search":
        dialect = service.kind.removesuffix(".search")
    if dialect is None:
        return None
    return PeerFound(
        service=f"{service.via}:{service.kind}:{service.name}",
        name=service.txt.get("name") or service.name,
        dialect=dialect,
        key=service.name,
        hosts=service.hosts,
        port=service.port,
        hostname=service.hostname,
        txt=service.txt,
    )


def gone(service: ServiceGone) -> PeerGone:
    return PeerGone(f"{service.via}:{service.kind}:{service.name}")
