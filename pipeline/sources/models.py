"""The models catalogue: what OpenRouter offers now. Keyless, served for the present only, kept as history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Day, Parsed, Payload, read_json, require_unique, unknown_fields
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk

if TYPE_CHECKING:
    import polars as pl
    from polars._typing import PolarsDataType

NAME = "models"
PATH = "/api/v1/models"

# A price in USD per token as a decimal string; -1 marks a router, whose price is that of the model it picks.
Price = Annotated[str, StringConstraints(pattern=r"^(-1(\.0{1,60})?|[0-9]{1,12}(\.[0-9]{1,60})?([eE]-?[0-9]{1,2})?)$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Architecture(Payload):
    """What goes in and comes out."""

    input_modalities: list[str]
    output_modalities: list[str]
    tokenizer: str | None = None


class Pricing(Payload):
    """Base prices of tokens and requests. Everything else that a model may charge for stays in the archive."""

    prompt: Price
    completion: Price
    input_cache_read: Price | None = None
    input_cache_write: Price | None = None
    internal_reasoning: Price | None = None
    request: Price | None = None


class AliasTarget(Payload):
    """The concrete model behind a `~author/name-latest` row."""

    slug: Name


class Model(Payload):
    """One catalogue row; fields that OpenRouter added over time are optional."""

    id: Name
    canonical_slug: Name
    name: Name
    created: Annotated[int, Field(ge=0, lt=2**33)]
    context_length: Annotated[int, Field(ge=0, lt=2**62)] | None
    architecture: Architecture
    pricing: Pricing
    hugging_face_id: str | None = None
    supported_parameters: list[str]
    reasoning: dict[str, Any] | None = None
    expiration_date: Day | None = None
    alias_target: AliasTarget | None = None
    description: Any = None
    top_provider: Any = None
    per_request_limits: Any = None
    default_parameters: Any = None
    supported_voices: Any = None
    knowledge_cutoff: Any = None
    links: Any = None
    benchmarks: Any = None


class Links(Payload):
    """Where the list goes on; absent when it is whole."""

    next: str | None = None


class Catalogue(Payload):
    """The whole answer."""

    data: list[Model]
    links: Links | None = None
    total_count: int | None = None


def plan(want: Want) -> list[Request]:
    """Ask for all output modalities: the default list holds text models only and misses ranked embeddings."""
    return [Request(PATH, {"output_modalities": "all"})] if want.cells else []


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return one row a model and variant, for raw.models."""
    require_ok(fetch.status, body, NAME)
    catalogue = read_json(Catalogue, body, NAME)
    models = catalogue.data
    if not models:
        raise ContractBrokenError(f"{NAME} has no rows: empty is an error, not a day without models.")
    if (catalogue.links and catalogue.links.next) or catalogue.total_count not in (None, len(models)):
        raise ContractBrokenError(
            f"{NAME} is only a part of the list ({len(models)} of {catalogue.total_count}). Nothing was landed."
        )
    newest = max(model.created for model in models)
    if fetch.context.get("is_imported") and newest > datetime.fromisoformat(fetch.fetched_at).timestamp():
        raise ContractBrokenError(
            f"{NAME} knows a model of {datetime.fromtimestamp(newest, UTC):%Y-%m-%d}, after the list is said to be "
            "retrieved. Nothing of it was landed."
        )
    frame = _frame(models)
    require_unique(frame, ["id"], NAME)
    require_unique(frame, ["model_permaslug"], NAME)
    return Parsed(
        frames={"models": frame},
        settles=(WHOLE,),
        as_of=datetime.fromisoformat(fetch.fetched_at),
        warnings=unknown_fields([catalogue, *models], NAME),
    )


def _frame(models: Sequence[Model]) -> pl.DataFrame:
    import polars as pl

    schema: dict[str, PolarsDataType] = {
        "id": pl.String,
        "canonical_slug": pl.String,
        "model_permaslug": pl.String,
        "name": pl.String,
        "created_at": pl.Datetime("ms"),
        "context_length_tokens": pl.Int64,
        "prompt_usd_per_token": pl.Float64,
        "completion_usd_per_token": pl.Float64,
        "input_cache_read_usd_per_token": pl.Float64,
        "input_cache_write_usd_per_token": pl.Float64,
        "internal_reasoning_usd_per_token": pl.Float64,
        "request_usd": pl.Float64,
        "input_modalities": pl.String,
        "output_modalities": pl.String,
        "tokenizer": pl.String,
        "hugging_face_id": pl.String,
        "is_reasoning_capable": pl.Boolean,
        "expiration_date": pl.Date,
        "alias_target_slug": pl.String,
    }
    return pl.DataFrame([_row(model) for model in models], schema=schema, orient="row")


def _row(model: Model) -> tuple[Any, ...]:
    _, _, variant = model.id.partition(":")
    # Variants share the canonical slug of their base, while the rankings name them `canonical_slug:variant`.
    permaslug = f"{model.canonical_slug}:{variant}" if variant else model.canonical_slug
    return (
        model.id,
        model.canonical_slug,
        permaslug,
        model.name,
        datetime.fromtimestamp(model.created, UTC).replace(tzinfo=None),
        model.context_length,
        float(model.pricing.prompt),
        float(model.pricing.completion),
        optional_price(model.pricing.input_cache_read),
        optional_price(model.pricing.input_cache_write),
        optional_price(model.pricing.internal_reasoning),
        optional_price(model.pricing.request),
        ",".join(sorted(model.architecture.input_modalities)),
        ",".join(sorted(model.architecture.output_modalities)),
        model.architecture.tokenizer,
        model.hugging_face_id or None,
        model.reasoning is not None or "reasoning" in model.supported_parameters,
        model.expiration_date,
        model.alias_target.slug if model.alias_target else None,
    )


def optional_price(price: str | None) -> float | None:
    """Return a price in USD; None where the model has none of its kind."""
    return None if price is None else float(price)


SOURCES = (
    Source(
        name=NAME,
        needs_key=False,
        cadence=Cadence.SNAPSHOT,
        # A price may change at any hour, and what no catalogue showed is not known.
        snapshots_a_day=4,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("models",),
    ),
)
