"""Evaluates saved Core ML programs with torch, on any machine.

This is an evaluation of the program as it is written in the .mlpackage, operator by operator, with
each result rounded to the type that the program declares. It is not Apple's runtime: fusing,
accumulation and the neural engine's arithmetic may differ. It shows that the conversion kept the
network, and what float16 and compressed weights do to it.
"""
