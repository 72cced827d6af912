"""Which operators which accelerator takes, from a table with sources, and what falls off it."""
