"""Lower-precision versions of finished graphs."""
