"""What the page is made of. All files together have one version, of their content: below /static/<version>/ a browser keeps them for good,
and after an upgrade the page, which is asked for each time, names another version. Nothing is built: a changed file is a new version.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

STATIC = Path(__file__).parent / "static"
KEPT_FOR_GOOD = "private, max-age=31536000, immutable"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_COMPRESSED = frozenset({".html", ".js", ".css", ".json", ".svg", ".webmanifest"})
# What stands in the files for the version, and for the list of all files.
_VERSION, _FILES, _PRELOADED = b"{version}", b'"{files}"', b"<!-- {preloaded} -->"
_FILLED = frozenset({"page.html", "worker.js"})
# What a browser needs before it can show anything: it asks for all of them at once, instead of for each after the one that imports it.
_FIRST = ("page.js", "home_view.js")
_IMPORTED = re.compile(rb"^import [^;]* from '\./([\w/.-]+)';", re.MULTILINE)
# The pages and the worker have addresses of their own.
_NOT_LISTED = frozenset({"page.html", "pair.html", "pair.js", "worker.js"})


_PRELOAD = b'<link rel="modulepreload" href="/static/%b/%b">'


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    compressed: bytes | None
    media_type: str
    tag: str


class PageFiles:
    """Read and compressed when they are first asked for, and again after they were changed."""

    def __init__(self, directory: Path = STATIC) -> None:
        self._directory = directory
        self._seen: dict[str, tuple[int, int]] = {}
        self._files: dict[str, File] = {}
        self._version = ""

    @property
    def version(self) -> str:
        self._refresh()
        return self._version

    def find(self, name: str) -> File:
        """Raises HTTPException 404."""
        self._refresh()
        if name not in self._files:
            raise HTTPException(404, f"The page has no file '{name[:100]}'.")
        return self._files[name]

    def _refresh(self) -> None:
        paths = sorted(path for path in self._directory.rglob("*") if path.suffix in _TYPES)
        now = {path.relative_to(self._directory).as_posix(): _stamp(path) for path in paths}
        if now == self._seen:
            return
        bodies = {name: (self._directory / name).read_bytes() for name in now}
        joined = b"".join(b"%b\0%d\0%b" % (name.encode(), len(body), body) for name, body in bodies.items())
        self._version = hashlib.sha256(joined).hexdigest()[:12]
        listed = json.dumps([name for name in bodies if name not in _NOT_LISTED and not name.endswith(".png")]).encode()
        preloaded = b"\n".join(_PRELOAD % (_VERSION, name.encode()) for name in _needed_first(bodies))
        for name in _FILLED & bodies.keys():
            filled = bodies[name].replace(_PRELOADED, preloaded).replace(_FILES, listed)
            bodies[name] = filled.replace(_VERSION, self._version.encode())
        self._files = {name: _file(name, body) for name, body in bodies.items()}
        self._seen = now


def page_files(files: PageFiles) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name:path}")
    async def static(name: str, request: Request) -> Response:
        version, _, rest = name.partition("/")
        if version == files.version:
            return answer(files.find(rest), request, KEPT_FOR_GOOD)
        return answer(files.find(name), request)

    @router.get("/worker.js")
    async def worker(request: Request) -> Response:
        """At the root: a service worker answers for what is below it."""
        return answer(files.find("worker.js"), request)

    return router


def answer(file: File, request: Request, cached: str = "no-cache") -> Response:
    headers = {"etag": file.tag, "cache-control": cached, "vary": "accept-encoding"}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(file.body, media_type=file.media_type, headers=headers)


def _needed_first(bodies: Mapping[str, bytes]) -> list[str]:
    needed: dict[str, None] = {}
    left = [name for name in _FIRST if name in bodies]
    while left:
        name = left.pop(0)
        if name not in needed:
            needed[name] = None
            left += [each.decode() for each in _IMPORTED.findall(bodies[name]) if each.decode() in bodies]
    return list(needed)


def _stamp(path: Path) -> tuple[int, int]:
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_size


def _file(name: str, body: bytes) -> File:
    suffix = Path(name).suffix
    # Without a time in it, so that the same file is the same bytes.
    compressed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSED else None
    return File(body, compressed, _TYPES[suffix], f'W/"{hashlib.sha256(body).hexdigest()[:16]}"')
