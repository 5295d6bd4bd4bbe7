"""Invented providers, and the endpoints at which they serve the models of a `World`."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from .world import World, usd

Row = dict[str, Any]

MOST_ENDPOINTS = 5
QUANTIZATIONS = ("fp8", "bf16", "fp4", "unknown")


class Provider(NamedTuple):
    """A house that runs models."""

    name: str
    slug: str
    headquarters: str | None = None  # country code
    datacenters: tuple[str, ...] | None = None


PROVIDERS = (
    Provider("Northwind", "northwind", "NO", ("NO", "SE")),
    Provider("Meridian", "meridian", "CA", ("CA", "US")),
    Provider("Brightwater", "brightwater", "NZ", ("NZ",)),
    Provider("Tundra", "tundra", "FI", ("FI", "SE")),
    Provider("Quillworks", "quillworks", "GB", ()),
    Provider("Lanternfish", "lanternfish", "SG", ("SG", "JP")),
    Provider("Cobalt Hill", "cobalt-hill", "US", ("US",)),
    Provider("Gravelpit Compute", "gravelpit", "US", ("US", "CA")),
    Provider("Basalt Barn", "basalt-barn", "IS", ("IS",)),
    Provider("Windmill Racks", "windmill-racks", "NL", ("NL", "DE")),
    Provider("Copper Kettle", "copper-kettle", "IE", ("IE",)),
    Provider("Hedgerow Hosting", "hedgerow", "GB", ("GB", "FR")),
    Provider("Pond & Parcel", "pond-parcel"),
    Provider("Turnip Turbines", "turnip-turbines", "PL", None),
)


def provider_rows() -> list[Row]:
    """The `data` of `GET /providers`."""
    return [
        {
            "name": provider.name,
            "slug": provider.slug,
            "privacy_policy_url": f"https://{provider.slug}.example/privacy" if provider.headquarters else None,
            "terms_of_service_url": f"https://{provider.slug}.example/terms",
            "status_page_url": f"https://status.{provider.slug}.example/" if provider.datacenters else None,
            "headquarters": provider.headquarters,
            "datacenters": None if provider.datacenters is None else list(provider.datacenters),
        }
        for provider in PROVIDERS
    ]


def endpoints_of(world: World, name: str, now: datetime, has_key: bool) -> Row | None:
    """The `data` of a model's endpoints; None when the catalogue does not name it at that instant.

    `name` is an id or a canonical slug, both with a variant where there is one. An alias answers under its own id
    with the endpoints of the model that it stands for.
    """
    rows = world.catalogue(now)
    found = _find(rows, name)
    if found is None:
        return None
    served = _find(rows, found["alias_target"]["slug"]) if "alias_target" in found else found
    described = {field: found[field] for field in ("id", "name", "created", "description", "architecture")}
    return described | {"endpoints": _endpoints(world.seed, served or found, now, has_key)}


def _find(rows: list[Row], name: str) -> Row | None:
    """The row with that id; otherwise the one whose canonical slug and variant it is."""
    base, _, variant = name.partition(":")
    by_slug = (row for row in rows if row["canonical_slug"] == base and row["id"].partition(":")[2] == variant)
    return next((row for row in rows if row["id"] == name), None) or next(by_slug, None)


def _endpoints(seed: int, model: Row, now: datetime, has_key: bool) -> list[Row]:
    """One to five endpoints, the first at the catalogue's price, the others up to 59 % dearer; a router has none."""
    if model["pricing"]["prompt"] == "-1":
        return []
    author = model["id"].partition("/")[0]
    rng = Random(f"{seed}/endpoints/{model['canonical_slug']}")
    # An author serves its own models first, and closed ones nearly alone.
    own = [provider for provider in PROVIDERS if provider.slug == author]
    others = [provider for provider in PROVIDERS if provider.slug != author]
    most = MOST_ENDPOINTS if model["hugging_face_id"] else 2
    chosen = [*own, *rng.sample(others, MOST_ENDPOINTS)][: rng.randint(1, most)]
    return [
        _endpoint(seed, model, provider, 100 if number == 0 else 100 + rng.randrange(60), now, has_key)
        for number, provider in enumerate(chosen)
    ]


def _endpoint(seed: int, model: Row, provider: Provider, percent: int, now: datetime, has_key: bool) -> Row:
    """One endpoint; how well it serves changes by the hour, and callers without a key do not learn how fast."""
    fixed = Random(f"{seed}/endpoint/{model['id']}/{provider.slug}")
    hourly = Random(f"{seed}/endpoint/{model['id']}/{provider.slug}/{now:%Y-%m-%dT%H}")
    uptimes = [(10_000 - hourly.randint(0, 20) ** 2) / 100 for _ in range(3)]
    latency, speed = hourly.randint(200, 2_000), hourly.randint(20, 180)
    return {
        "name": f"{provider.name} | {model['canonical_slug']}",
        "model_id": model["canonical_slug"],
        "model_name": model["name"],
        "context_length": model["context_length"],
        "pricing": {kind: _dearer(price, percent) for kind, price in model["pricing"].items()},
        "provider_name": provider.name,
        "tag": provider.slug,
        "quantization": fixed.choice(QUANTIZATIONS),
        "max_completion_tokens": model["top_provider"]["max_completion_tokens"],
        "max_prompt_tokens": None,
        "supported_parameters": model["supported_parameters"],
        "status": 0 if uptimes[1] > 97 else -2,
        "uptime_last_5m": uptimes[0],
        "uptime_last_30m": uptimes[1],
        "uptime_last_1d": uptimes[2],
        "supports_implicit_caching": fixed.random() < 0.5,
        "latency_last_30m": _percentiles(latency, (10, 14, 20, 40)) if has_key else None,
        "throughput_last_30m": _percentiles(speed, (10, 8, 6, 3)) if has_key else None,
    }


def _dearer(price: str, percent: int) -> str:
    """A price in USD per token, at so many percent."""
    return usd(round(float(price) * 10**10) * percent // 100) if percent != 100 else price


def _percentiles(median: int, tenths: tuple[int, int, int, int]) -> Row:
    """The median and its multiples."""
    return {name: median * factor / 10 for name, factor in zip(("p50", "p75", "p90", "p99"), tenths, strict=True)}
