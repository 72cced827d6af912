"""The warping network and the SPADE decoder for phones: one exact rewrite per file.

Every module here has rank 4 or less and two-dimensional convolutions only. Volumes
(1, channels, depth, height, width) travel as (depth, channels, height, width).
"""
