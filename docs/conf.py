"""The documentation site: Sphinx with furo, written in Markdown. `make docs` builds it."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import bench  # noqa: E402

project = "lenet-bench"
release = version = bench.__version__
copyright = "the authors of lenet-bench, MIT licence"
language = "en"

extensions = ["myst_parser", "program_pages", "accessible"]
exclude_patterns = ["_ext"]
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block"]
nitpicky = True
smartquotes = False  # would make one dash of the two of an option

html_theme = "furo"
html_title = "lenet-bench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_search_summary = False  # a browser refuses to fetch pages from the disk for it
# What is coloured has enough contrast to be read, in both schemes.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
