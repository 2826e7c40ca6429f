"""An index of tiny wheels, served on the loopback: what pip is given in place of a real one."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str] | None = None,
    needs: Sequence[str] = (),
    tag: str = "py3-none-any",
) -> Path:
    """Make a wheel with these files and requirements."""
    info = f"{name}-{version}.dist-info"
    content = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        **(files or {}),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {one}\n" for one in needs),
    }
    record = "".join(f"{path},{_hash(text)},{len(text)}\n" for path, text in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in content.items():
            archive.writestr(inside, text)
    return path


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


class Index:
    """A folder of wheels as a simple index; `delay_s` before each wheel is sent."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.delay_s, self.sent = folder, 0.0, []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = index.answer(self.path)
                self.send_response(200 if content is not None else 404)
                is_page = self.path.endswith("/")
                kind = "text/html" if is_page else "application/octet-stream"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                with contextlib.suppress(OSError):  # pip has been ended meanwhile
                    self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/simple"

    def answer(self, path: str) -> bytes | None:
        """A page of links, or a wheel; None where there is none."""
        if path.startswith("/simple/"):
            name = path.removeprefix("/simple/").strip("/").replace("-", "_")
            links = [one.name for one in sorted(self.folder.glob(f"{name}-*.whl"))]
            page = "".join(f'<a href="/wheels/{one}">{one}</a>' for one in links)
            return f"<!DOCTYPE html><html><body>{page}</body></html>".encode() if links else None
        file = self.folder / path.removeprefix("/wheels/")
        time.sleep(self.delay_s)
        self.sent.append(file.name)
        return file.read_bytes() if file.is_file() else None

    @contextlib.contextmanager
    def served(self) -> Iterator[Index]:
        """Answers within this block."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
