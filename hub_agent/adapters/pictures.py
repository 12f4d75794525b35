"""Keeps a picture that a device publishes, as a file in the one folder that the settings allow."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done

WITHIN_S: Final = 10.0
PICTURE_BYTES_MAX: Final = 10 * 1024 * 1024
# What a picture's file may be called: nothing that anybody would run or read as settings.
ENDINGS: Final = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"})


class PictureErrand:
    """Fills ports.Errand. `next_on(topic, within_s)`: the picture's bytes."""

    def __init__(self, folder: Path, next_on: Callable[[str, float], Awaitable[bytes]]) -> None:
        self._folder = folder
        self._next_on = next_on

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del wants_response
        file = self._place(str(data["filename"]))
        picture = await self._next_on(str(data["topic"]), WITHIN_S)
        if data["is_base64"]:
            try:
                picture = base64.b64decode(picture, validate=True)
            except binascii.Error as err:
                raise NotPossible(f"what came on {data['topic']} is not base64: {err}") from err
        if not 0 < len(picture) <= PICTURE_BYTES_MAX:
            raise NotPossible(
                f"a picture has {PICTURE_BYTES_MAX // 1024 // 1024} MB at most, this one {len(picture)} bytes"
            )
        try:
            await asyncio.to_thread(_write, file, picture)
        except OSError as err:
            raise NotPossible(f"{file} cannot be written: {err.strerror}") from err
        return Done({"filename": str(file), "bytes": len(picture)})

    def _place(self, filename: str) -> Path:
        """Inside the folder, whatever links and dots say."""
        folder = self._folder.resolve()
        try:
            file = (folder / filename).resolve()
        except (OSError, ValueError) as err:
            raise NotPossible(f"{filename!r} is no name of a file") from err
        if folder not in file.parents:
            raise NotPossible(
                f"{filename} is not inside {folder}, where pictures may be kept (camera.folder in the settings)"
            )
        if file.suffix.lower() not in ENDINGS:
            raise NotPossible(f"{filename} is not called like a picture ({', '.join(sorted(ENDINGS))})")
        return file


def _write(file: Path, picture: bytes) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(picture)
    fresh.replace(file)
