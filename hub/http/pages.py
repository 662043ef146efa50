"""The page: the files of `static/`, by a manifest, under a strict policy."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from hub.errors import NotFoundError

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".txt": "text/plain",
    ".ico": "image/x-icon",
}
"""What is served; files of other kinds are not."""


class PageNotFoundError(NotFoundError):
    """There is nothing at this address."""

    ran = "no"

    def __init__(self, message: str = "There is nothing at this address.") -> None:
        super().__init__(message)


class MethodNotAllowedError(PageNotFoundError):
    """The method is not allowed at this address."""

    status = 405

    def __init__(self) -> None:
        super().__init__("The method is not allowed at this address.")


def static_folder() -> Path:
    """Return where the page is: in a wheel, or beside a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_static"
    return installed if installed.is_dir() else package.parent / "static"


def manifest(folder: Path) -> dict[str, Path]:
    """Return every file that is served, by its path; no path is ever looked up."""
    files = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix in TYPES
    }
    if "index.html" in files:
        files[""] = files["index.html"]
    return files


async def page(request: Request) -> Response:
    """``GET /…``: a file of the page."""
    file = request.app.state.files.get(request.path_params["path"])
    if file is None:
        raise PageNotFoundError
    return FileResponse(file, headers=HEADERS, media_type=TYPES[file.suffix])
