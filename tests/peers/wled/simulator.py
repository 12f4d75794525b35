"""A WLED, simulated by us from what a real one has said, since none can be run on a computer. frenck's `wled` judges whether it behaves like one.

    python -m tests.peers.wled.simulator RECORDED.json PRESETS.json [--port N]

Written from the documentation of the JSON API. Orders on the standard input: `set` (its state changes by itself), `info` (what it says of itself does), `calls`.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.peers.serving import serve

WEBSOCKETS_MAX = 4


class Strip:
    def __init__(self, recorded: dict[str, Any], presets: dict[str, Any]) -> None:
        self.state, self.info = recorded["state"], recorded["info"]
        self.effects, self.palettes = recorded["effects"], recorded["palettes"]
        self.presets = presets
        self.calls: list[dict[str, Any]] = []
        self.listeners: list[Any] = []

    def both(self) -> dict[str, Any]:
        return {"state": self.state, "info": self.info}

    def take(self, wanted: dict[str, Any]) -> None:
        """What is not known, or not of its type, is passed over, as the firmware does."""
        self.calls.append(wanted)
        if isinstance(preset := wanted.get("ps"), int):
            chosen = self.presets.get(str(preset), {})
            self.state["pl" if "playlist" in chosen else "ps"] = preset
            self._apply({name: value for name, value in chosen.items() if name in {"on", "bri", "seg"}})
        self._apply(wanted)

    def _apply(self, wanted: dict[str, Any]) -> None:
        state = self.state
        if "on" in wanted:
            state["on"] = not state["on"] if wanted["on"] == "t" else bool(wanted["on"])
        if isinstance(wanted.get("bri"), int):
            # Zero is off, and keeps how bright it was.
            state["on"] = state["on"] and wanted["bri"] > 0
            state["bri"] = min(wanted["bri"], 255) or state["bri"]
        for name in ("transition", "lor", "mainseg"):
            if isinstance(wanted.get(name), int):
                state[name] = wanted[name]
        for name in ("nl", "udpn"):
            state[name] |= {field: value for field, value in wanted.get(name, {}).items() if field in state[name]}
        segments = wanted.get("seg", [])
        for place, segment in enumerate(segments if isinstance(segments, list) else [segments]):
            self._segment(segment.get("id", place), segment)

    def _segment(self, number: int, wanted: dict[str, Any]) -> None:
        known = next((segment for segment in self.state["seg"] if segment["id"] == number), None)
        if known is None:
            return
        for name, value in wanted.items():
            if name in {"on", "rev", "frz", "sel", "mi"}:
                known[name] = not known[name] if value == "t" else bool(value)
            elif name == "cct" and isinstance(value, int):
                known[name] = value if value <= 255 else (min(max(value, 1900), 10091) - 1900) >> 5
            elif name == "col":
                for slot, colour in enumerate(value):
                    if colour:
                        known["col"][slot] = [*colour, *known["col"][slot][len(colour) :]]
            elif name in {"bri", "fx", "sx", "ix", "pal"} and isinstance(value, int):
                known[name] = value

    async def tell(self) -> None:
        for listener in list(self.listeners):
            await listener(json.dumps(self.both()))


class Simulator:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.strip = Strip(
            json.loads(Path(arguments.recorded).read_text()), json.loads(Path(arguments.presets).read_text())
        )

    def app(self) -> Starlette:
        strip = self.strip
        answers = {
            "/json": lambda: strip.both() | {"effects": strip.effects, "palettes": strip.palettes},
            "/json/si": strip.both,
            "/json/info": lambda: strip.info,
            "/json/eff": lambda: strip.effects,
            "/json/pal": lambda: strip.palettes,
            "/json/cfg": lambda: {"hw": {"led": {"ins": []}}},
            "/presets.json": lambda: strip.presets,
        }
        routes: list[Any] = [Route(path, self._answer(answer)) for path, answer in answers.items()]
        routes += [Route("/json/state", self._state, methods=["GET", "POST"]), WebSocketRoute("/ws", self._socket)]
        return Starlette(routes=routes)

    @staticmethod
    def _answer(answer: Any) -> Any:
        async def endpoint(_request: Request) -> Response:
            return JSONResponse(answer())

        return endpoint

    async def _state(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(self.strip.state)
        wanted = await request.json()
        self.strip.take(wanted)
        await self.strip.tell()
        return JSONResponse(self.strip.state if wanted.get("v") else {"success": True})

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        if len(self.strip.listeners) >= WEBSOCKETS_MAX:
            await socket.close()
            return
        self.strip.listeners.append(socket.send_text)
        try:
            await socket.send_text(json.dumps(self.strip.both()))
            while True:
                wanted = json.loads(await socket.receive_text())
                self.strip.take(wanted)
                await self.strip.tell()
        except WebSocketDisconnect:
            pass
        finally:
            self.strip.listeners.remove(socket.send_text)

    async def obey(self, order: dict[str, Any]) -> Any:
        match order["do"]:
            case "set":
                self.strip._apply(order["state"])
                await self.strip.tell()
            case "info":
                self.strip.info |= order["changes"]
                self.strip.presets |= order.get("presets", {})
                await self.strip.tell()
        return self.strip.calls


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recorded")
    parser.add_argument("presets")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    simulator = Simulator(arguments)
    await serve(simulator.app(), simulator.obey, port=arguments.port)


if __name__ == "__main__":
    asyncio.run(main())
