"""The page in a real browser: it opens, sorts, tells values, prints, and everybody can read it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.record import Record
from report.build import build

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the path: apt-get install chromium"
)

FOLDER = Path(__file__).parent
SIZES = {"desktop": (1440, 900), "telephone": (390, 844)}
NASTY = (
    "</script><script>window.injected = 1</script>\"'><img src=x onerror='window.injected=2'>$x$"
)
Make = Callable[..., Record]


def records_of(folder: str) -> list[Record]:
    files = sorted((FOLDER / folder).rglob("*.json"))
    return [Record.model_validate_json(file.read_text(encoding="utf-8")) for file in files]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, mistaken: list[Record]) -> dict[str, Path]:
    """The page of each kind of records: windows, a sweep; regimes, failures; pictures; none."""
    found = {}
    for name, records in (
        ("windows", records_of("frozen-windows")),
        ("regimes", records_of("frozen")),
        ("mistaken", mistaken),
        ("nothing", []),
    ):
        out = tmp_path_factory.mktemp(name)
        build(records, out, [(Path("a<b>.json"), "not <whole>")], ["html"])
        found[name] = out / "report.html"
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: sync_api.Browser) -> Iterator[Callable[..., sync_api.Page]]:
    """Open a page; at the end, nothing may have been said on the console, nor loaded."""
    contexts, said, loaded = [], [], []

    def open_(path: Path, size: str = "desktop", **how: object) -> sync_api.Page:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: loaded.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    fetched = [url for url in loaded if not url.startswith("data:")]
    assert [url for url in fetched if not url.endswith("/report.html")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["windows", "regimes", "mistaken", "nothing"])
def test_it_opens_and_everybody_can_read_it(reports, opened, name, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(reports[name], size, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    assert {one["id"]: [node["html"] for node in one["nodes"]] for one in found} == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_accessibility_rules_can_fail(reports, opened):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(reports["windows"])
    page.evaluate("document.querySelector('svg').removeAttribute('aria-label')")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    found = {one["id"] for one in Axe().run(page).response["violations"]}
    assert {"svg-img-alt", "html-has-lang"} <= found


def test_pictures_are_shown_though_nothing_may_be_loaded(reports, opened):
    page = opened(reports["mistaken"])
    pictures = page.locator("svg image")
    assert pictures.count() == 3
    drawn = page.evaluate(
        """async (links) => Promise.all(links.map(async (link) => {
            const picture = new Image(); picture.src = link; await picture.decode();
            return picture.naturalWidth; }))""",
        [one.get_attribute("href") for one in pictures.all()],
    )
    assert all(width > 0 for width in drawn)


def test_a_click_sorts(reports, opened):
    page = opened(reports["windows"])
    table = page.locator("table").first
    head = table.get_by_role("columnheader", name="Images/s", exact=True)
    column = page.evaluate("(head) => head.cellIndex", head.element_handle())
    cells = table.locator(f"tbody tr td:nth-child({column + 1})")
    assert cells.all_inner_texts() == ["12,562", "10,050", "6,250"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert cells.all_inner_texts() == ["6,250", "10,050", "12,562"]
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert cells.all_inner_texts() == ["12,562", "10,050", "6,250"]
    names = table.get_by_role("columnheader", name="Framework", exact=True)
    names.locator("button").click()
    assert table.locator("tbody th").all_inner_texts() == ["keras", "torch", "torch:compile"]
    assert head.get_attribute("aria-sort") is None


def test_marks_tell_their_values(reports, opened):
    """The browser shows the title of what lies under the pointer."""
    page = opened(reports["windows"])
    figure = page.locator("svg[aria-label^='How fast']").first
    figure.scroll_into_view_if_needed()
    told = []
    for mark in figure.locator("use").all()[:8]:
        box = mark.bounding_box()
        at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        told.append(
            page.evaluate(
                "([x, y]) => document.elementFromPoint(x, y).closest('g:has(> title)')"
                ".querySelector('title').textContent",
                at,
            )
        )
    assert all(
        re.fullmatch(r"torch:compile, seed \d, repeat \d: [\d,]+ images/s", one) for one in told
    )


def test_all_is_there_without_scripts(reports, opened):
    bare = opened(reports["regimes"], java_script_enabled=False)
    full = opened(reports["regimes"])
    assert bare.locator("th button").count() == 0
    assert full.locator("th button").count() > 0

    def text(page: sync_api.Page) -> str:
        return " ".join(page.locator("main").text_content().split())

    assert text(bare) == text(full)


def test_downloads_hold_the_data(reports, opened, tmp_path):
    build(records_of("frozen-windows"), tmp_path, formats=["csv"])
    page = opened(reports["windows"])
    for name in ("records.csv", "epochs.csv"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name).click()
        assert waiting.value.suggested_filename == name
        saved = Path(waiting.value.path()).read_bytes()
        assert saved == (tmp_path / name).read_bytes()


def test_it_prints(reports, opened):
    page = opened(reports["regimes"])
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.get_by_text("a float64 oracle; what each is relative").first.is_visible()


def test_hostile_names_run_nothing(make: Make, opened, tmp_path):
    names = dict.fromkeys(("framework", "dataset", "model", "run", "cell", "reason", "fit"), NASTY)
    hostile = [make(**names, seed=seed, machine_cpu=NASTY) for seed in (0, 1)]
    build([*hostile, make(**names | {"framework": "torch"})], tmp_path, formats=["html"])
    page = opened(tmp_path / "report.html")
    assert page.evaluate("window.injected") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.get_by_text("<img src=x onerror", exact=False).count() > 0
