"""lp_pack: the pipeline from a portrait and checkpoints to a verified app bundle."""

__version__ = "0.1.0"
