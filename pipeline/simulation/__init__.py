"""A simulated OpenRouter: an invented market with known truth, and an HTTP server in front of it."""

from __future__ import annotations

from .apps import AppMarket, market_of
from .server import SimulatedOpenRouter
from .slices import Slices
from .world import OTHER, TOP, World

__all__ = ["OTHER", "TOP", "AppMarket", "SimulatedOpenRouter", "Slices", "World", "market_of"]
