"""From records to tables: what the benchmark found, what was equal and what failed.

analysis/  records → comparisons: like runs beside like runs, one row a framework, and the contrasts
           between them, which all else that tells two frameworks apart is read from
tables/    tables and the sections below them: speed, target, phases, sweeps; `bench history`'s too
wording/   sentences: verdict, notes, doubts, titles
figures/   drawings
formats/   the terminal, HTML, LaTeX, CSV, JSON
build.py   comparisons → files, by format

What is shown is computed in analysis/; the renderers only render. Text that came from a file is
untrusted and passes through text.py on its way out.
"""
