"""The search for a mixed precision: which layers may be narrow so that the picture stays good.

layers.py      what may be chosen, and what each choice saves
trials.py      a choice made real: compressed, run, measured against float frames
allocation.py  the order in which layers become narrow: most saved for least noise first
search.py      probes, bisection, repair
curve.py       size against decibels, drawn
run.py         from a build's options to a recipe file
"""
