"""Compression of finished graphs to eight bits and fewer.

`recipes.py` is the table of what is offered, `calibration.py` the recorded inputs from which ranges
of activations are taken, `compressors.py` says which code compresses a target's files.
"""
