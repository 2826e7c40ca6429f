"""A drawing → SVG for a page, SVG and PNG files; the same drawing gives the same bytes."""

from __future__ import annotations

import io
import re
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from report.figures.canvas import TEXT, Drawing, house_style
from report.figures.gallery import Picture
from report.text import plain

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
PNG_DPI = 160
SEEN_LIMIT = 2000
FONTS = "system-ui, 'DejaVu Sans', sans-serif"


def render(drawing: Drawing) -> Picture:
    """Draw it twice: as SVG and as PNG."""
    with house_style(), warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": drawing.name}):
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the SVG has its text
        vector, raster = io.BytesIO(), io.BytesIO()
        layout = drawing.figure.get_layout_engine()
        if layout is not None:
            layout.execute(drawing.figure)
        drawing.figure.set_layout_engine("none")  # laid out once, for both
        # By the canvases: `savefig` would draw everything once more before each, for a layout.
        canvas = FigureCanvasSVG(drawing.figure)
        canvas.print_svg(  # type: ignore[no-untyped-call]
            vector, metadata={"Date": None, "Creator": None}
        )
        drawing.figure.set(dpi=PNG_DPI, facecolor="white")
        FigureCanvasAgg(drawing.figure).print_png(  # type: ignore[no-untyped-call]
            raster, metadata={"Software": None, "Title": drawing.title}
        )
    root = ElementTree.fromstring(vector.getvalue())  # noqa: S314 - matplotlib wrote it
    _clean(root, drawing)
    inline = _text(root).replace(TEXT, "currentColor")
    page = ElementTree.Element(f"{{{SVG}}}rect", {"width": "100%", "height": "100%"})
    page.set("fill", "#ffffff")
    root.insert(1, page)
    return Picture(
        drawing.name,
        drawing.title,
        plain(drawing.seen, SEEN_LIMIT),
        drawing.note,
        inline,
        _text(root),
        raster.getvalue(),
    )


def _clean(root: ElementTree.Element, drawing: Drawing) -> None:
    """Leave out what no page needs, name it for those who do not see, let marks tell values."""
    for child in [one for one in root if one.tag.endswith("metadata")]:
        root.remove(child)
    _tell(root, drawing.marks)
    _own_identifiers(root, f"{drawing.name}-")
    root.set("role", "img")
    root.set("aria-label", plain(f"{drawing.title} {drawing.seen}", SEEN_LIMIT))
    for element in root.iter():
        link = element.attrib.pop(f"{{{XLINK}}}href", None)
        if link is not None:
            element.set("href", link)
        style = element.get("style")
        if element.tag == f"{{{SVG}}}text" and style:
            element.set("style", re.sub(r"(font(?:-family)?: [^;]*?)'[^;]*", rf"\1{FONTS}", style))


def _tell(root: ElementTree.Element, marks: dict[str, list[str]]) -> None:
    """Put a `title` into each mark: browsers show it where the pointer rests."""
    groups = {element.get("id"): element for element in root.iter(f"{{{SVG}}}g")}
    for gid, texts in marks.items():
        group = groups[gid]
        parents = {child: parent for parent in group.iter() for child in parent}
        uses = list(group.iter(f"{{{SVG}}}use"))
        if not uses:
            group.insert(0, _title(texts[0]))
            continue
        if len(uses) != len(texts):
            raise AssertionError(f"{gid}: {len(uses)} marks drawn, {len(texts)} texts")
        for use, text in zip(uses, texts, strict=True):
            parent = parents[use]
            wrapper = ElementTree.Element(f"{{{SVG}}}g")
            wrapper.extend([_title(text), use])
            parent[list(parent).index(use)] = wrapper


def _title(text: str) -> ElementTree.Element:
    title = ElementTree.Element(f"{{{SVG}}}title")
    title.text = text
    return title


def _own_identifiers(root: ElementTree.Element, prefix: str) -> None:
    """Keep the identifiers that something refers to, and make them unlike other figures'."""
    references = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            found = re.findall(r"url\(#([^)]+)\)", value)
            references.update(found)
            if name.endswith("href") and value.startswith("#"):
                references.add(value[1:])
                element.set(name, f"#{prefix}{value[1:]}")
            elif found:
                element.set(name, re.sub(r"url\(#", f"url(#{prefix}", value))
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in references:
            element.set("id", f"{prefix}{own}")


def _text(root: ElementTree.Element) -> str:
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")
