"""The demo persona: trained, small enough to ship, and the default of every command."""
