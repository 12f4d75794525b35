"""A Shelly, simulated by us from what a real one has said, since none can be run on a computer. aioshelly judges whether it behaves like one.

    python -m tests.peers.shelly.simulator RECORDED.json [--password WORD] [--push-to HOST:PORT] [--coap-address ADDRESS] [--port N]

Written from the documentation of the API. Orders on the standard input: `emit` (a notification), `set` (a status changes by itself),
`call` (a sleeping device wakes and calls), `hang_up`.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import socket
import struct
import time
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect

from tests.peers.serving import serve

COAP_PORT = 5683
HA2 = hashlib.sha256(b"dummy_method:dummy_uri").hexdigest()


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Device:
    def __init__(self, recorded: dict[str, Any], password: str | None) -> None:
        self.info = recorded["shelly"]
        self.settings = recorded["settings"]
        self.status = recorded["status"]
        self.components = recorded.get("components", [])
        self.is_gen1 = "gen" not in self.info
        self.password = password
        self.info["auth" if self.is_gen1 else "auth_en"] = password is not None
        if not self.is_gen1:
            self.info["auth_domain"] = self.info["id"] if password else None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.listeners: list[Any] = []
        self.nonces: dict[int, int] = {}

    # The later generations.

    def component(self, kind: str, number: int) -> dict[str, Any]:
        for component in self.components:
            if component["key"] == f"{kind}:{number}":
                return component["status"]
        found = self.status.get(f"{kind}:{number}")
        if found is None:
            raise Refused(-105, f"Argument 'id', value {number} not found!")
        return found

    async def answer(self, frame: dict[str, Any]) -> dict[str, Any]:
        head = {"id": frame["id"], "src": self.info["id"], "dst": frame.get("src")}
        method, params = frame["method"], frame.get("params") or {}
        if self.password is not None and method != "Shelly.GetDeviceInfo" and not self._is_allowed(frame.get("auth")):
            return head | {"error": {"code": 401, "message": json.dumps(self._challenge())}}
        self.calls.append((method, params))
        try:
            result = await self._do(method, params)
        except Refused as refused:
            return head | {"error": {"code": refused.code, "message": str(refused)}}
        return head | {"result": result}

    def _challenge(self) -> dict[str, Any]:
        nonce = len(self.nonces) + 1_741_254_691
        self.nonces[nonce] = 0
        return {"auth_type": "digest", "nonce": nonce, "nc": 1, "realm": self.info["id"], "algorithm": "SHA-256"}

    def _is_allowed(self, auth: dict[str, Any] | None) -> bool:
        if auth is None or auth.get("nonce") not in self.nonces or auth["nc"] <= self.nonces[auth["nonce"]]:
            return False
        ha1 = hashlib.sha256(f"admin:{self.info['id']}:{self.password}".encode()).hexdigest()
        wanted = f"{ha1}:{auth['nonce']}:{auth['nc']}:{auth['cnonce']}:auth:{HA2}"
        is_right = hashlib.sha256(wanted.encode()).hexdigest() == auth["response"]
        if is_right:
            self.nonces[auth["nonce"]] = auth["nc"]
        return is_right

    async def _do(self, method: str, params: dict[str, Any]) -> Any:
        service, _, verb = method.partition(".")
        if service == "Shelly":
            return await self._shelly(verb, params)
        if method == "Ws.GetConfig":
            return self.settings.setdefault("ws", {"enable": False, "server": None})
        if method == "Ws.SetConfig":
            self.settings["ws"] |= params["config"]
            return {"restart_required": True}
        doer = {
            "Switch": self._switch, "Light": self._light, "RGB": self._light, "RGBW": self._light, "CCT": self._light,
            "Cover": self._cover, "Boolean": self._value, "Number": self._value, "Text": self._value, "Enum": self._value,
        }.get(service)  # fmt: skip
        if method == "Button.Trigger":
            self.component("button", params["id"])
            await self.emit(
                "NotifyEvent", {"events": [{"component": f"button:{params['id']}", "event": params["event"]}]}
            )
            return None
        if doer is None:
            raise Refused(404, f"No handler for {method}")
        kind = service.lower()
        changes, result = doer(self.component(kind, params["id"]), verb, params)
        await self.change(f"{kind}:{params['id']}", changes)
        return result

    async def _shelly(self, verb: str, params: dict[str, Any]) -> Any:
        match verb:
            case "GetDeviceInfo":
                return self.info
            case "GetConfig":
                return self.settings
            case "GetStatus":
                return self.status
            case "GetComponents":
                first = params.get("offset", 0)
                page = self.components[first : first + 5]
                return {"components": page, "cfg_rev": 1, "offset": first, "total": len(self.components)}
            case "ListMethods":
                return {"methods": ["Shelly.GetStatus", "Shelly.Reboot", "Switch.Set"]}
            case "Reboot" | "Update":
                return None
        raise Refused(404, f"No handler for Shelly.{verb}")

    def _switch(self, status: dict[str, Any], verb: str, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        was_on = status["output"]
        is_on = not was_on if verb == "Toggle" else _typed(params, "on", bool)
        power = {"apower": 12.5 if is_on else 0.0} if "apower" in status else {}
        return {"output": is_on, "source": "WS_in", **power}, {"was_on": was_on}

    def _light(self, status: dict[str, Any], verb: str, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        if verb == "Toggle":
            return {"output": not status["output"]}, None
        known = {
            "id": int,
            "on": bool,
            "brightness": int,
            "rgb": list,
            "ct": int,
            "white": int,
            "transition_duration": int | float,
        }
        for name in params:
            if name not in known or (name in {"rgb", "ct"} and name not in status):
                raise Refused(-103, f"Invalid argument '{name}'!")
            _typed(params, name, known[name])
        if not 0 <= params.get("brightness", 0) <= 100:
            raise Refused(-103, "Argument 'brightness' out of range!")
        changes = {name: params[name] for name in ("brightness", "rgb", "ct", "white") if name in params}
        return changes | ({"output": params["on"]} if "on" in params else {}), None

    def _cover(self, status: dict[str, Any], verb: str, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        match verb:
            case "GoToPosition":
                if not status["pos_control"]:
                    raise Refused(-106, "Cover is not calibrated!")
                position = _typed(params, "pos", int)
                return {"state": "open" if position else "closed", "current_pos": position}, None
            case "Open" | "Close":
                return {"state": {"Open": "opening", "Close": "closing"}[verb], "last_direction": verb.lower()}, None
            case "Stop":
                return {"state": "stopped"}, None
        raise Refused(404, f"No handler for Cover.{verb}")

    def _value(self, _status: dict[str, Any], _verb: str, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        return {"value": params["value"], "source": "rpc"}, None

    async def change(self, component: str, changes: dict[str, Any]) -> None:
        kind, _, number = component.partition(":")
        self.component(kind, int(number or 0)).update(changes) if number else self.status[component].update(changes)
        await self.emit("NotifyStatus", {component: {"id": int(number or 0), **changes}})

    async def emit(self, method: str, params: dict[str, Any]) -> None:
        frame = {"src": self.info["id"], "dst": "nexa-hub", "method": method, "params": {"ts": time.time(), **params}}
        for listener in list(self.listeners):
            await listener(json.dumps(frame))

    # The first generation.

    def obey(self, path: str, query: dict[str, str]) -> Any:
        kind, _, number = path.strip("/").partition("/")
        self.calls.append((path, query))
        if kind in {"reboot", "ota"}:
            return {"ok": True}
        channel = self.status[
            {"relay": "relays", "light": "lights", "roller": "rollers", "thermostat": "thermostats"}[kind]
        ][int(number)]
        if query.get("turn") in {"on", "off", "toggle"}:
            channel["ison"] = not channel["ison"] if query["turn"] == "toggle" else query["turn"] == "on"
        for name in ("brightness", "temp", "white", "red", "green", "blue", "gain"):
            if name in query:
                channel[name] = int(query[name])
        if query.get("go") == "to_pos":
            channel |= {"state": "stop", "current_pos": int(query["roller_pos"])}
        elif "go" in query:
            channel["state"] = query["go"]
        if "target_t" in query:
            channel["target_t"]["value"] = float(query["target_t"])
        return channel


def _typed(params: dict[str, Any], name: str, kind: Any) -> Any:
    value = params.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Refused(-103, f"Argument '{name}' is missing or of another type!")
    return value


# CoAP.


def coap_message(device: Device, body: Any, code: int, number: int, token: bytes = b"") -> bytes:
    named = f"{device.info['type']}#{device.info['mac']}#2".encode()
    # Option 3332 as the first: a delta of 3332 - 269 in two bytes, the length in one.
    option = bytes([0xED]) + struct.pack("!H", 3332 - 269) + bytes([len(named) - 13]) + named
    head = bytes([0x50 | len(token), code]) + struct.pack("!H", number) + token
    return head + option + b"\xff" + json.dumps(body).encode()


class Coap(asyncio.DatagramProtocol):
    """Answers /cit/d and /cit/s, and pushes the status where it is told to."""

    def __init__(self, device: Device, description: Any, status: Any, push_to: tuple[str, int] | None) -> None:
        self._device = device
        self._description, self.status = description, status
        self._push_to = push_to
        self._number = 0
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert self.transport is not None
        body = self._description if data.rstrip(b"\xff").endswith(b"d") else self.status
        self.transport.sendto(coap_message(self._device, body, 69, 1), addr)

    def push(self, changes: dict[int, Any]) -> None:
        self._number += 1
        for entry in self.status["G"]:
            entry[2] = changes.get(entry[1], entry[2])
        if self._push_to is not None and self.transport is not None:
            self.transport.sendto(coap_message(self._device, self.status, 30, self._number), self._push_to)


def _read(recorded: Path, suffix: str) -> Any:
    """What was recorded beside it, if it was."""
    beside = recorded.with_suffix(suffix)
    return json.loads(beside.read_text()) if beside.exists() else None


class Simulator:
    def __init__(self, arguments: argparse.Namespace) -> None:
        path = Path(arguments.recorded)
        self.device = Device(json.loads(path.read_text()), arguments.password)
        self._arguments = arguments
        self._description, self._status = _read(path, ".coap.citd.json"), _read(path, ".coap.cits.json")
        self._coap: Coap | None = None
        self._call: asyncio.Task[None] | None = None

    def app(self) -> Starlette:
        routes: list[Any] = [Route("/shelly", self._shelly)]
        if self.device.is_gen1:
            routes += [Route("/{path:path}", self._gen1)]
        else:
            routes += [WebSocketRoute("/rpc", self._rpc)]
        return Starlette(routes=routes)

    async def start(self) -> None:
        if not self.device.is_gen1 or self._status is None:
            return
        host, _, port = (self._arguments.push_to or "").partition(":")
        self._coap = Coap(self.device, self._description, self._status, (host, int(port)) if host else None)
        endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        address = self._arguments.coap_address
        endpoint.bind((address or "127.0.0.1", COAP_PORT if address else 0))
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self._coap, sock=endpoint)

    async def _shelly(self, _request: Request) -> Response:
        return JSONResponse(self.device.info)

    async def _gen1(self, request: Request) -> Response:
        if self.device.password is not None:
            wanted = base64.b64encode(f"admin:{self.device.password}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {wanted}":
                return PlainTextResponse("401 Unauthorized", 401, {"WWW-Authenticate": 'Basic realm="shelly"'})
        match request.url.path:
            case "/settings":
                return JSONResponse(self.device.settings)
            case "/status":
                return JSONResponse(self.device.status)
            case "/cit/d":
                return JSONResponse(self._description)
            case path:
                return JSONResponse(self.device.obey(path, dict(request.query_params)))

    async def _rpc(self, socket: WebSocket) -> None:
        await socket.accept()
        self.device.listeners.append(socket.send_text)
        try:
            while True:
                frame = json.loads(await socket.receive_text())
                await socket.send_text(json.dumps(await self.device.answer(frame)))
        except WebSocketDisconnect:
            pass
        finally:
            self.device.listeners.remove(socket.send_text)

    async def _wake(self, address: str) -> None:
        """A sleeping device calls, says everything, answers what it is asked, and is told when to sleep again."""
        async with connect(address, proxy=None) as socket:
            status = {"ts": time.time(), **self.device.status}
            frame = {"src": self.device.info["id"], "dst": "ws", "method": "NotifyFullStatus", "params": status}
            await socket.send(json.dumps(frame))
            async for message in socket:
                answer = await self.device.answer(json.loads(message))
                await socket.send(json.dumps(answer))

    async def obey(self, order: dict[str, Any]) -> Any:
        match order["do"]:
            case "emit":
                await self.device.emit(order["method"], order["params"])
            case "set":
                await self.device.change(order["component"], order["changes"])
            case "push":
                assert self._coap is not None
                self._coap.push({int(number): value for number, value in order["changes"].items()})
            case "wake":
                self._call = asyncio.create_task(self._wake(order["address"]))
            case "sleep":
                assert self._call is not None
                self._call.cancel()
            case "settings":
                return self.device.settings
        return self.device.calls


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recorded")
    for name in ("password", "push-to", "coap-address"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    simulator = Simulator(arguments)
    await simulator.start()
    host = arguments.coap_address or "127.0.0.1"
    await serve(simulator.app(), simulator.obey, host=host, port=arguments.port)


if __name__ == "__main__":
    asyncio.run(main())
