"""A simulated OpenRouter: an invented market with known truth, and an HTTP server in front of it."""

from __future__ import annotations

from .server import SimulatedOpenRouter
from .world import OTHER, TOP, World

__all__ = ["OTHER", "TOP", "SimulatedOpenRouter", "World"]
