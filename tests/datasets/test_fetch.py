from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.errors import DataError
from bench.workload import datasets
from bench.workload.datasets import download

IMAGES = "TINY/raw/train-images.gz"


def serve(make: SimpleNamespace, server, tiny, prefix: str = "/good/") -> None:
    for path, content in tiny.contents.items():
        name = path.rpartition("/")[2]
        server.replies[f"{prefix}{name}"] = make.reply(gzip.compress(content, mtime=0))


def leftovers(root: Path) -> list[Path]:
    return list(root.rglob(".part-*"))


@pytest.mark.parametrize("extended", [False, True], ids=["idx1", "qmnist"])
def test_files_arrive_verified_and_are_not_fetched_again(
    make: SimpleNamespace, server, root: Path, extended: bool
) -> None:
    tiny = make.idx((f"{server.url}good/",), extended=extended)
    serve(make, server, tiny)
    download.fetch(tiny.dataset, root, progress=False)
    assert len(server.requests) == 4
    assert [check.status for check in tiny.dataset.verify(root)] == ["ok"] * 4
    assert tiny.dataset.decode(root).train_images.shape == (12, 28, 28, 1)
    assert leftovers(root) == []
    download.fetch(tiny.dataset, root, progress=False)
    assert len(server.requests) == 4


def test_only_what_is_missing_or_wrong_is_fetched(
    make: SimpleNamespace, server, root: Path
) -> None:
    tiny = make.idx((f"{server.url}good/",))
    serve(make, server, tiny)
    tiny.fill(root)
    (root / IMAGES).write_bytes(b"wrong")
    download.fetch(tiny.dataset, root, progress=False)
    assert server.requests == ["/good/train-images.gz"]
    assert tiny.dataset.unfetched(root) == ()


BAD = {
    "not-found": (lambda reply, good: reply(status=404), "HTTP status 404"),
    "server-error": (lambda reply, good: reply(status=503), "HTTP status 503"),
    "short": (lambda reply, good: reply(good, sent=100), "IncompleteRead"),
    "short-and-announced-so": (lambda reply, good: reply(good[:100]), "readable bytes, then"),
    "empty": (lambda reply, good: reply(), "0 of 9,424 bytes"),
    "a-page": (lambda reply, good: reply(b"<html>"), "Not a gzipped file"),
    "other-content": (lambda reply, good: reply(gzip.compress(bytes(9424))), "got sha256:"),
    "bomb": (
        lambda reply, good: reply(gzip.compress(bytes(9_000_000), 1)),
        "sent more than 10,457 bytes",
    ),
    "endless": (lambda reply, good: reply(os.urandom(1 << 20)), "sent more than 10,457 bytes"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD.keys())
def test_the_next_mirror_serves_what_the_first_does_not(
    make: SimpleNamespace, server, root: Path, bad, reason: str
) -> None:
    tiny = make.idx((f"{server.url}bad/", f"{server.url}good/"))
    serve(make, server, tiny)
    serve(make, server, tiny, "/bad/")
    server.replies["/bad/train-images.gz"] = bad(
        make.reply, server.replies["/good/train-images.gz"].body
    )
    download.fetch(tiny.dataset, root, progress=False)
    assert tiny.dataset.unfetched(root) == ()
    assert server.requests[:2] == ["/bad/train-images.gz", "/good/train-images.gz"]
    assert leftovers(root) == []


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD.keys())
def test_where_all_mirrors_fail_the_error_says_why_and_what_to_do(
    make: SimpleNamespace, server, root: Path, bad, reason: str
) -> None:
    tiny = make.idx((f"{server.url}bad/",))
    serve(make, server, tiny, "/bad/")
    server.replies["/bad/train-images.gz"] = bad(
        make.reply, server.replies["/bad/train-images.gz"].body
    )
    with pytest.raises(DataError) as caught:
        download.fetch(tiny.dataset, root, progress=False)
    text = str(caught.value)
    assert f"cannot fetch data set 'tiny': {server.url}bad/train-images.gz: " in text
    assert reason in text
    assert f"put into {root} by hand: {IMAGES} (content sha256:" in text
    assert "\n" not in text
    assert not (root / IMAGES).exists()
    assert leftovers(root) == []
    with pytest.raises(DataError):
        tiny.dataset.inputs(root)


def test_no_server_at_all(make: SimpleNamespace, server, root: Path) -> None:
    tiny = make.idx(("http://127.0.0.1:9/", "https://127.0.0.1:9/"))
    with pytest.raises(DataError, match=r"RefusedError.*; https://127.*Refused.* by hand"):
        download.fetch(tiny.dataset, root, progress=False)


def test_an_interrupted_fetch_goes_on_where_it_was(
    make: SimpleNamespace, server, root: Path
) -> None:
    tiny = make.idx((f"{server.url}good/",))
    serve(make, server, tiny)
    good = server.replies["/good/t10k-images.gz"]
    server.replies["/good/t10k-images.gz"] = [make.reply(good.body, sent=50), good]
    with pytest.raises(DataError, match=r"t10k-images.gz: .*IncompleteRead"):
        download.fetch(tiny.dataset, root, progress=False)
    assert [file.path for file in tiny.dataset.unfetched(root)] == [
        "TINY/raw/t10k-images.gz",
        "TINY/raw/t10k-labels.gz",
    ]
    download.fetch(tiny.dataset, root, progress=False)
    assert tiny.dataset.unfetched(root) == ()
    assert server.requests.count("/good/train-images.gz") == 1


KILLED = """
import sys
from pathlib import Path
from bench.workload.datasets import download
from bench.workload.datasets.source import StoredFile
class One:
    name = "one"
    def unfetched(self, root):
        return (StoredFile("TINY/raw/train-images.gz", (sys.argv[1],), 9424, sys.argv[2]),)
download.fetch(One(), Path(sys.argv[3]), False)
"""


def test_a_killed_fetch_leaves_nothing_that_passes_for_whole(
    make: SimpleNamespace, server, root: Path
) -> None:
    tiny = make.idx((f"{server.url}good/",))
    serve(make, server, tiny)
    whole = server.replies["/good/train-images.gz"]
    stall = threading.Event()
    server.replies["/good/train-images.gz"] = [
        make.reply(whole.body, sent=9000, stall=stall),
        whole,
    ]
    url, digest = f"{server.url}good/train-images.gz", tiny.dataset.train_files[0].content_digest
    command = [sys.executable, "-c", KILLED, url, digest, str(root)]
    with subprocess.Popen(command, cwd=make.repository) as process:
        deadline = time.monotonic() + 20
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    stall.set()
    assert process.returncode == -signal.SIGKILL
    assert len(leftovers(root)) == 1
    assert not (root / IMAGES).exists()
    assert tiny.dataset.verify(root)[0].status == "missing"
    # A part that nobody has touched for an hour is swept away; a younger one may be in use.
    young = root / "TINY/raw/.part-0123-train-images.gz"
    young.touch()
    os.utime(next(part for part in leftovers(root) if part != young), (0, 0))
    download.fetch(tiny.dataset, root, progress=False)
    assert tiny.dataset.unfetched(root) == ()
    assert leftovers(root) == [young]


@pytest.mark.parametrize(
    "mirror", ["http://example.invalid/", "ftp://127.0.0.1/", "file:///etc/", "http://127.0.0.1.x/"]
)
def test_without_https_nothing_but_loopback_is_asked(
    make: SimpleNamespace, root: Path, mirror: str
) -> None:
    tiny = make.idx((mirror,))
    with pytest.raises(DataError, match=r"train-images.gz: refused: not HTTPS"):
        download.fetch(tiny.dataset, root, progress=False)


def test_a_redirection_to_http_is_not_followed(make: SimpleNamespace, server, root: Path) -> None:
    tiny = make.idx((f"{server.url}away/",))
    server.replies["/away/train-images.gz"] = make.reply(
        status=302, headers={"Location": "http://example.invalid/train-images.gz"}
    )
    with pytest.raises(DataError, match="refused: redirected to an address without HTTPS"):
        download.fetch(tiny.dataset, root, progress=False)


def test_a_redirection_on_loopback_is_followed(make: SimpleNamespace, server, root: Path) -> None:
    tiny = make.idx((f"{server.url}moved/",))
    serve(make, server, tiny)
    for path in list(server.replies):
        moved = path.replace("/good/", "/moved/")
        server.replies[moved] = make.reply(status=301, headers={"Location": path})
    download.fetch(tiny.dataset, root, progress=False)
    assert tiny.dataset.unfetched(root) == ()


def test_an_archive_is_checked_by_its_own_hash(make: SimpleNamespace, server, root: Path) -> None:
    tiny = make.cifar((f"{server.url}bad/", f"{server.url}good/"))
    server.replies["/bad/tiny.tar.gz"] = make.reply(tiny.archive + b"\0")
    server.replies["/good/tiny.tar.gz"] = make.reply(tiny.archive)
    download.fetch(tiny.dataset, root, progress=False)
    assert (root / "tiny.tar.gz").read_bytes() == tiny.archive
    assert tiny.dataset.decode(root).train_images.shape == (100, 32, 32, 3)
    download.fetch(tiny.dataset, root, progress=False)
    assert len(server.requests) == 2


def test_progress_goes_to_stderr(
    make: SimpleNamespace, server, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = make.idx((f"{server.url}good/",))
    serve(make, server, tiny)
    download.fetch(tiny.dataset, root, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "train-images.gz" in captured.err


def test_a_folder_that_cannot_be_written_is_named(
    make: SimpleNamespace, server, root: Path
) -> None:
    tiny = make.idx((f"{server.url}good/",))
    serve(make, server, tiny)
    (root / "TINY").touch()
    with pytest.raises(DataError, match=r"cannot write .*TINY/raw/train-images.gz.*another data"):
        download.fetch(tiny.dataset, root, progress=False)


def test_what_needs_no_download_is_not_fetched(root: Path) -> None:
    assert datasets.fetch("digits", root, progress=False).name == "datasets"
    assert list(root.iterdir()) == []
