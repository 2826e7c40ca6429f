"""The site in a real browser: everybody can read it and search it, and nothing is fetched."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, pages

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Where Sphinx is: in this environment, or in that of `make docs`.
PYTHON = sys.executable if importlib.util.find_spec("furo") else ROOT / ".venv-docs/bin/python"
SIZES = {"desktop": (1440, 900), "telephone": (390, 844)}
SCHEMES = ("light", "dark")
# One of each kind: the start, a task, an explanation, a wide table, what is made from the program.
OF_EACH_KIND = (
    *("index", "start", "tasks/choose-a-framework", "explanations/statistics", "equivalence"),
    *("museum", "records", "reference/commands/run", "reference/adapter", "search"),
)
EVERY = [str(path.relative_to(DOCS).with_suffix("")) for path in pages() if DOCS in path.parents]
VIEWS = [(name, size, scheme) for name in OF_EACH_KIND for size in SIZES for scheme in SCHEMES]
VIEWS += [(name, "telephone", "dark") for name in EVERY if name not in OF_EACH_KIND]

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("site"),
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on the path: apt-get install chromium"
    ),
    pytest.mark.skipif(not Path(PYTHON).exists(), reason="no Sphinx here: make docs"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the pages, with warnings as errors, as `make docs` does."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("docs", "results/published", "bench"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "README.md"):
        shutil.copy(ROOT / name, folder)
    made = folder / "site"
    command = [str(PYTHON), "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, str(folder / "docs"), str(made)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def page(site: Path) -> Iterator[sync_api.Page]:
    """A page of a browser that has loaded nothing but files of the site, and said nothing."""
    said, loaded = [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        opened = browser.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: loaded.append(request.url))
        yield opened
        browser.close()
    assert said == []
    assert [url for url in loaded if not url.startswith((site.as_uri(), "data:"))] == []


@pytest.mark.parametrize(("name", "size", "scheme"), VIEWS)
def test_everybody_can_read_it(
    site: Path, page: sync_api.Page, name: str, size: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    page.goto((site / f"{name}.html").as_uri())
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
    # Preloading would ask for style sheets in a way that a browser refuses for files.
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    assert {one["id"]: [node["html"] for node in one["nodes"]] for one in found} == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_searched_without_a_server(site: Path, page: sync_api.Page) -> None:
    page.goto((site / "search.html").as_uri() + "?q=signed+rank")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.textContent)")
    assert "Statistics" in found
