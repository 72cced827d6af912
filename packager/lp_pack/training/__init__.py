"""Training of the networks that lp-pack owns."""
