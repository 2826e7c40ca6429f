"""The page in a real browser: it opens, sorts, tells values, prints, and everybody can read it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from bench.results.record import Record
from report.build import build
from report.report_data import ReportData
from report.site.folder import build_site
from report.site.runs import RunRead
from tests.record_making import changed

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on the path: apt-get install chromium"
    ),
    pytest.mark.xdist_group("report"),  # one browser for all; see test_html.py, too
]

SIZES = {"desktop": (1440, 900), "telephone": (390, 844)}
NASTY = (
    "</script><script>window.injected = 1</script>\"'><img src=x onerror='window.injected=2'>$x$"
)
Make = Callable[..., Record]


@pytest.fixture(scope="session")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


class Opener:
    """Opens pages, and keeps what was said on the console and what was loaded."""

    def __init__(self, browser: sync_api.Browser) -> None:
        self._browser = browser
        self._contexts: list[sync_api.BrowserContext] = []
        self.said: list[str] = []
        self.loaded: list[str] = []

    def __call__(self, path: Path, **how: object) -> sync_api.Page:
        width, height = SIZES["desktop"]
        context = self._browser.new_context(viewport={"width": width, "height": height}, **how)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.loaded.append(request.url))
        page.goto(path.as_uri())
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def check(self) -> None:
        """Nothing may have been said, nor loaded."""
        assert self.said == []
        fetched = [url for url in self.loaded if not url.startswith("data:")]
        pages = ("/report.html", "/index.html")
        assert [url for url in fetched if not url.endswith(pages)] == []


@pytest.fixture
def opened(browser: sync_api.Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
    opener.check()


@pytest.fixture(scope="session")
def standing(browser: sync_api.Browser, report) -> Iterator[Callable[[str], sync_api.Page]]:
    """Pages that stay open, one of each report, with all that folds unfolded."""
    opener = Opener(browser)

    @cache
    def page_of(name: str) -> sync_api.Page:
        page = opener(report(name).page)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        return page

    def watched(name: str) -> sync_api.Page:
        opener.check()
        return page_of(name)

    yield watched
    opener.close()
    opener.check()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, windows: list[Record]) -> Path:
    """The start page over ten runs, two of them of Flax alone."""
    torch = [one for one in windows if one.identity.framework == "torch"][:3]
    runs = []
    for day in range(1, 11):
        name = f"2026-01-{day:02}T12-00-00Z-mnist-lenet5"
        records = [
            changed(
                one, run=name, run_id=f"{day:032x}", started_at=f"2026-01-{day:02}T12:00:00Z",
                framework="flax" if day > 8 else "torch",
                images_per_s=1000.0 * (1 + (day > 4)) + day + place,
            )
            for place, one in enumerate(torch)
        ]  # fmt: skip
        runs.append(RunRead(Path(name), records, (), {}))
    folder = tmp_path_factory.mktemp("site")
    return build_site(folder, runs, [])[0]


def violations(page: sync_api.Page) -> list[dict]:
    """Of axe's rules, all of them; where each was kept to is told of one place only, for speed."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]


# Each page in each size and each scheme for every change; in the other pairs of these besides.
EVERY_VIEW = [
    (name, size, scheme)
    for name in ("windows", "regimes", "mistaken", "nothing")
    for size in ("desktop", "telephone")
    for scheme in ("light", "dark")
]
# Every size and scheme with each report but the one with most pictures; what they share looks the
# same in all.
FOR_EVERY_CHANGE = {
    ("windows", "desktop", "light"),
    ("regimes", "telephone", "dark"),
    ("nothing", "telephone", "dark"),
}


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [
        pytest.param(*view, marks=[] if view in FOR_EVERY_CHANGE else pytest.mark.long)
        for view in EVERY_VIEW
    ],
)
def test_it_opens_and_everybody_can_read_it(standing, name, size, scheme):
    page = standing(name)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
    found = violations(page)
    assert {one["id"]: [node["html"] for node in one["nodes"]] for one in found} == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_accessibility_rules_can_fail(report, opened):
    page = opened(report("mistaken").page)
    page.evaluate("document.querySelector('svg').removeAttribute('aria-label')")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    page.add_style_tag(content="main p { color: #eeeeee !important; }")
    found = {one["id"] for one in violations(page)}
    assert {"svg-img-alt", "html-has-lang", "color-contrast"} <= found


def test_pictures_are_shown_though_nothing_may_be_loaded(report, opened):
    page = opened(report("mistaken").page)
    pictures = page.locator("svg image")
    assert pictures.count() == 3
    drawn = page.evaluate(
        """async (links) => Promise.all(links.map(async (link) => {
            const picture = new Image(); picture.src = link; await picture.decode();
            return picture.naturalWidth; }))""",
        [one.get_attribute("href") for one in pictures.all()],
    )
    assert all(width > 0 for width in drawn)


def test_a_click_sorts(report, opened):
    page = opened(report("windows").page)
    table = page.locator("main table").first
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


def test_marks_tell_their_values(report, opened):
    """The browser shows the title of what lies under the pointer."""
    page = opened(report("windows").page)
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


def test_a_click_copies_summary_and_citation(report, opened):
    """From a file; and what is copied is the text that stands below."""
    page = opened(report("windows").page, permissions=["clipboard-read", "clipboard-write"])
    for name, of in (("Copy as Markdown", "#as-markdown"), ("Copy citation", "#as-citation")):
        page.get_by_role("button", name=name).click()
        page.get_by_text("Copied.").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator(of).text_content()
        page.evaluate("document.getElementById('copied').textContent = ''")
    assert "| Fastest | " in page.locator("#as-markdown").text_content()
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    page.get_by_role("button", name="Copy citation").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("getSelection().toString()").startswith("The lenet-bench authors")


def test_a_choice_of_a_framework_needs_no_script(site, opened):
    page = opened(site, java_script_enabled=False)
    rows = page.locator("table.runs tbody tr")
    assert rows.count() == 10
    page.get_by_label("flax").check()
    shown = [row for row in rows.all() if row.is_visible()]
    assert len(shown) == 2
    page.get_by_label("all frameworks").check()
    assert all(row.is_visible() for row in rows.all())


@pytest.mark.parametrize(
    ("size", "scheme"),
    [("desktop", "light"), pytest.param("telephone", "dark", marks=pytest.mark.long)],
)
def test_everybody_can_read_the_start_page(site, opened, size, scheme):
    page = opened(site, color_scheme=scheme)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    found = violations(page)
    assert {one["id"]: [node["html"] for node in one["nodes"]] for one in found} == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_all_is_there_without_scripts(report, opened):
    bare = opened(report("regimes").page, java_script_enabled=False)
    full = opened(report("regimes").page)
    assert bare.locator("th button").count() == 0
    assert full.locator("th button").count() > 0

    def text(page: sync_api.Page) -> str:
        return " ".join(page.locator("main").text_content().split())

    assert text(bare) == text(full)


def test_downloads_hold_the_data(report, opened):
    page = opened(report("windows").page)
    for name in ("records.csv", "epochs.csv"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name).click()
        assert waiting.value.suggested_filename == name
        saved = Path(waiting.value.path()).read_bytes()
        assert saved == (report("windows").folder / name).read_bytes()


def test_it_prints(report, opened):
    page = opened(report("regimes").page)
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.get_by_text("a float64 oracle; what each is relative").first.is_visible()


def test_hostile_names_run_nothing(make: Make, opened, tmp_path):
    names = dict.fromkeys(("framework", "dataset", "model", "run", "cell", "reason", "fit"), NASTY)
    hostile = [make(**names, seed=seed, machine_cpu=NASTY) for seed in (0, 1)]
    build(
        ReportData.of([*hostile, make(**names | {"framework": "torch"})]),
        tmp_path,
        formats=["html"],
    )
    page = opened(tmp_path / "report.html")
    assert page.evaluate("window.injected") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.get_by_text("<img src=x onerror", exact=False).count() > 0
