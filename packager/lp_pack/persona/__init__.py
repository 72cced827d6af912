"""Sources of a persona: where its portrait, networks and licences come from."""

from __future__ import annotations

from lp_pack.persona.persona import Persona

__all__ = ["Persona"]
