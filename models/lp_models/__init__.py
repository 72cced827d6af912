"""lp_models: LivePortrait's networks, their mobile rewrites and lp-pack's own small networks."""
