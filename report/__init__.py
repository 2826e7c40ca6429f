"""From records to tables: what the benchmark found, what was equal and what failed.

compare   (comparison.py)  records → comparisons: like runs beside like runs, one row a framework
summarise (tables.py)      the same rows as one pandas frame
print_summary (terminal.py)  comparisons → the terminal
contents  (contents.py)    which sections stand below the tables: speed, target, phases, sweeps
versus    (versus.py)      who is better and whether that can be told, for `bench compare`
history   (history.py)     images/s from run to run, for `bench history`
build     (build.py)       comparisons → files, by format
page      (html.py)        comparisons → one HTML file, with verdict.py, figures/, templates/
latex, document            (latex.py, json_file.py)  comparisons → LaTeX tables, JSON

What is shown is computed in comparison.py, speed.py, targets.py and equality.py; the renderers only
render. Text that came from a file is untrusted and passes through text.py on its way out.
"""
