"""One module a format: terminal, HTML, LaTeX, CSV, JSON."""
