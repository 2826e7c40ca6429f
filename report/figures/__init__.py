"""Records → figures: each answers the question that is its title, with units on its axes.

gallery.py   which figures a report has; they may be drawn in a process of their own
all.py       the figures of a comparison, by their names
palette.py   one colour, marker and dash a framework
canvas.py    what all figures share
speed.py, training.py, phases.py, first_steps.py, mistakes.py
             the figures: what is drawn is what the records hold
svg.py       a drawing → SVG and PNG

Only gallery.py and palette.py can be imported without Matplotlib and seaborn.
"""
