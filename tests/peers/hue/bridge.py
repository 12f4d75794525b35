"""A Hue bridge of ours, because none is to be had: CLIP version 2 over HTTPS with a certificate of its own, a stream of events, a button to press.

Whether it behaves like one is judged by aiohue, which knows real ones (`tests/system/dialects/test_hue.py`).
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.peers.hue.home import BRIDGE_ID, resources

_SPACE = UUID("6f0cd4a8-3ab0-4a5b-9d0c-6b0e1c1f5d11")
_FEATURES = ("on", "dimming", "color_temperature", "color", "effects_v2", "effects")


def make_certificate(folder: Path, name: str = BRIDGE_ID) -> tuple[Path, Path]:
    """As a bridge makes its own: elliptic, for years, with its id as the name, and no address."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Philips Hue"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    made = datetime(2017, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(int(name, 16) if name.isalnum() else 1)
        .not_valid_before(made)
        .not_valid_after(made + timedelta(days=7300))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths


class HueBridge:
    """`known_keys` and what it holds stay over `stop` and `start`, as on a bridge that lost its power."""

    def __init__(self, folder: Path, port: int, held: list[dict[str, Any]] | None = None) -> None:
        self.port = port
        self.is_pressed = False
        self.known_keys: set[str] = set()
        self.puts: list[tuple[str, Mapping[str, Any]]] = []
        self.busy_answers = 0
        self.is_listened_to = asyncio.Event()
        self.has_made = asyncio.Event()
        self.held = {each["id"]: each for each in (deepcopy(held) if held is not None else resources())}
        self.certificate = make_certificate(folder)
        self._streams: set[asyncio.Queue[list[dict[str, Any]] | None]] = set()
        self._runner: web.AppRunner | None = None
        self._made = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/api", self._pair)
        app.router.add_get("/eventstream/clip/v2", self._stream)
        app.router.add_route("*", "/clip/v2/resource{path:.*}", self._resource)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()

    async def stop(self) -> None:
        for queue in self._streams:
            queue.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def say(self, *events: dict[str, Any]) -> None:
        for event in events:
            for each in event["data"]:
                held = self.held.get(each["id"])
                if held is not None and event["type"] == "update":
                    _merge(held, each)
        for queue in self._streams:
            queue.put_nowait(list(events))

    # What it answers.

    async def _pair(self, request: web.Request) -> web.Response:
        body = await request.json()
        if "devicetype" not in body:
            return web.json_response(
                [{"error": {"type": 5, "address": "/", "description": "invalid/missing parameters in body"}}]
            )
        if not self.is_pressed:
            return web.json_response(
                [{"error": {"type": 101, "address": "", "description": "link button not pressed"}}]
            )
        key = uuid5(_SPACE, f"key {len(self.known_keys)}").hex
        self.known_keys.add(key)
        return web.json_response([{"success": {"username": key, "clientkey": key.upper()}}])

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if not self._knows(request):
            return _refused()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hi\n\n")
        queue: asyncio.Queue[list[dict[str, Any]] | None] = asyncio.Queue()
        self._streams.add(queue)
        self.is_listened_to.set()
        try:
            with suppress(ConnectionError):
                while (events := await queue.get()) is not None:
                    text = web.json_response(events).text
                    await response.write(f"id: {self._made}:0\ndata: {text}\n\n".encode())
        finally:
            self._streams.discard(queue)
        return response

    async def _resource(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _refused()
        if self.busy_answers > 0:
            self.busy_answers -= 1
            return web.Response(status=429)
        kind, _, rid = request.match_info["path"].strip("/").partition("/")
        match request.method:
            case "GET":
                found = [each for each in self.held.values() if kind in {"", each["type"]} and rid in {"", each["id"]}]
                return _answer(found) if found or not rid else _fault(404, "Not Found")
            case "POST":
                return self._make(kind, await request.json())
            case "PUT" if self.held.get(rid, {}).get("type") == kind:
                body = await request.json()
                self.puts.append((rid, body))
                return self._put(self.held[rid], body)
            case "DELETE" if self.held.get(rid, {}).get("type") == kind:
                gone = self.held.pop(rid)
                self.say(
                    {
                        "type": "delete",
                        "id": rid,
                        "creationtime": "",
                        "data": [{"id": gone["id"], "type": gone["type"]}],
                    }
                )
                return _answer([{"rid": rid, "rtype": kind}])
        return _fault(404, "Not Found")

    def _make(self, kind: str, body: dict[str, Any]) -> web.Response:
        needed = {"scene": ("group", "actions", "metadata"), "zone": ("children", "metadata")}.get(kind)
        if needed is None or any(name not in body for name in needed):
            return _fault(400, "body is missing something")
        self._made += 1
        rid = str(uuid5(_SPACE, f"{kind} {self._made}"))
        made = {**body, "type": kind, "id": rid}
        if kind == "scene":
            made = {
                "speed": 0.5,
                "auto_dynamic": False,
                "status": {"active": "inactive"},
                "palette": _NO_PALETTE,
                **made,
            }
        else:
            made["services"] = []
        self.held[rid] = made
        self.has_made.set()
        self.say({"type": "add", "id": rid, "creationtime": "", "data": [made]})
        return _answer([{"rid": rid, "rtype": kind}])

    def _put(self, held: dict[str, Any], body: dict[str, Any]) -> web.Response:
        if body.get("dimming", {}).get("brightness", 1) > 100:
            return _fault(400, "brightness is more than 100")
        if held["type"] == "grouped_light":
            self._show([(light, body) for light in self._lights_of(held["owner"]["rid"])])
        if held["type"] == "scene" and "recall" in body:
            self._show([(self.held[each["target"]["rid"]], each["action"]) for each in held["actions"]])
            self.say(_update(held, {"status": {"active": "static", "last_recall": "2026-11-22T18:00:00.000Z"}}))
        else:
            said = {
                name: value
                for name, value in body.items()
                if name not in {"dynamics", "identify", "alert", "signaling", "recall"}
            }
            if "actions" in said:
                said["actions"] = [_counted(each) for each in said["actions"]]
            self.say(_update(held, _told(held, said)))
        return _answer([{"rid": held["id"], "rtype": held["type"]}])

    def _show(self, wanted: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        for light, body in wanted:
            said = {name: body[name] for name in _FEATURES if name in body and name in light}
            self.say(_update(light, _told(light, said)))

    def _lights_of(self, rid: str) -> Iterator[dict[str, Any]]:
        for child in self.held[rid]["children"]:
            if child["rtype"] == "room":
                yield from self._lights_of(child["rid"])
            elif child["rtype"] == "light":
                yield self.held[child["rid"]]
            else:
                yield from (
                    each
                    for each in list(self.held.values())
                    if each["type"] == "light" and each["owner"]["rid"] == child["rid"]
                )

    def _knows(self, request: web.Request) -> bool:
        return request.headers.get("hue-application-key") in self.known_keys


_NO_PALETTE: dict[str, list[Any]] = {"color": [], "dimming": [], "color_temperature": [], "effects": []}


def _counted(action: dict[str, Any]) -> dict[str, Any]:
    """A scene keeps brightness as the lamps count it, in 254 steps."""
    counted = deepcopy(action)
    if "dimming" in counted["action"]:
        dimming = counted["action"]["dimming"]
        dimming["brightness"] = round(round(dimming["brightness"] * 2.54) / 2.54, 2)
    return counted


def _told(held: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """A lamp is either white or coloured; brightness comes in 254 steps."""
    told = deepcopy(said)
    if "dimming" in told and held["type"] == "light":
        told["dimming"]["brightness"] = round(round(told["dimming"]["brightness"] * 2.54) / 2.54, 2)
    if "color_temperature" in told:
        told["color_temperature"]["mirek_valid"] = True
    elif "color" in told and "color_temperature" in held:
        told["color_temperature"] = {"mirek": None, "mirek_valid": False}
    if "effects_v2" in told:
        told["effects_v2"] = {"status": {"effect": told["effects_v2"]["action"]["effect"]}}
    return told


def _update(held: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    owner = {"owner": held["owner"]} if "owner" in held else {}
    return {
        "type": "update",
        "id": held["id"],
        "creationtime": "",
        "data": [{"id": held["id"], "type": held["type"], **owner, **said}],
    }


def _merge(held: dict[str, Any], said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        if isinstance(value, dict) and isinstance(held.get(name), dict):
            _merge(held[name], value)
        else:
            held[name] = deepcopy(value)


def _answer(data: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"errors": [], "data": data})


def _fault(status: int, text: str) -> web.Response:
    return web.json_response({"errors": [{"description": text}], "data": []}, status=status)


def _refused() -> web.Response:
    return web.Response(
        status=403, text="<html><head><title>403 Forbidden</title></head></html>", content_type="text/html"
    )
