"""The page's own files, read once; a request picks one by name and never reaches the disk."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import brotli
from aiohttp import web

from gateway.access import Role
from gateway.web.route import PAGE, Problem, Route

WORKER = "worker.js"
_NAME = "language.name"
_QUICK = 6  # a hundredth of the time of the best, for a tenth more
FOLDER = Path(__file__).parent / "static"
PACKED = Path(__file__).parent / "packed"

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    content_type: str
    plain: bytes
    zipped: bytes
    etag: str

    @cached_property
    def packed(self) -> bytes:
        """Brotli, which browsers take over HTTPS: packed at installation, else now."""
        try:
            return packed_file(self).read_bytes()
        except OSError:
            return brotli.compress(self.plain, quality=_QUICK)


def packed_file(asset: Asset) -> Path:
    """Where `gateway.web.packing` puts it: under its ETag, so that no old one is taken for it."""
    name = asset.etag.strip('"')
    return PACKED / f"{name}.br"


@cache
def assets() -> dict[str, Asset]:
    """Every file of the page by its name."""
    return assets_of(FOLDER)


def assets_of(folder: Path) -> dict[str, Asset]:
    """What a folder holds, and the languages of the catalogues in it."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _TYPES)
    found = {path.name: _asset(path.suffix, path.read_bytes()) for path in files}
    found["languages.json"] = _asset(".json", _languages(files))
    return found


def serve(request: web.Request, name: str) -> web.Response:
    """That file, zipped where the browser takes it, or 304 when it has it already."""
    asset = assets().get(name)
    if asset is None:
        raise Problem(404, "unknown-file", "The page has no such file.")
    # The browser keeps the file but asks each time: after an update no page is half old.
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if name == WORKER:
        headers["Service-Worker-Allowed"] = "../"  # it stands for the whole page
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    body, taken = asset.plain, request.headers.get("Accept-Encoding", "")
    if "br" in taken:
        body, headers["Content-Encoding"] = asset.packed, "br"
    elif "gzip" in taken:
        body, headers["Content-Encoding"] = asset.zipped, "gzip"
    return web.Response(body=body, headers={**headers, "Content-Type": asset.content_type})


async def page(request: web.Request) -> web.Response:
    """The page itself."""
    return serve(request, "index.html")


async def file(request: web.Request) -> web.Response:
    """One of the page's own files."""
    return serve(request, request.match_info["name"])


def _languages(files: list[Path]) -> bytes:
    """A list of code and name: every JSON file is a catalogue and names its own language."""
    found = [
        {"code": path.stem, "name": json.loads(path.read_text("utf-8"))[_NAME]}
        for path in files
        if path.suffix == ".json"
    ]
    return json.dumps(found).encode()


def _asset(suffix: str, plain: bytes) -> Asset:
    etag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
    content_type = f"{_TYPES[suffix]}; charset=utf-8"
    return Asset(content_type, plain, gzip.compress(plain, mtime=0), etag)


ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=page,
        role=Role.VIEWER,
        page=True,
        statuses=(200, 304),
        media=PAGE,
    ),
    Route(method="GET", path="/static/{name}", handler=file, role="anyone", media="*/*"),
)
