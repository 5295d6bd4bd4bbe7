"""Who serves each ranked model now, at which price and how well. One call a model; a key adds the speed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.archive import Fetch
from pipeline.contracts import Parsed, Payload, printable, read_json, unknown_fields
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk
from pipeline.sources.models import Name, Price, optional_price

if TYPE_CHECKING:
    import polars as pl
    from polars._typing import PolarsDataType

NAME = "endpoints"
# An id becomes a part of the path: without characters that would need quoting, and each half begins with a letter or
# digit (an alias with `~`), so that it cannot lead elsewhere.
SAFE_ID = re.compile(r"~?[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,149}(:[A-Za-z0-9._-]{1,50})?")

Tokens = Annotated[int, Field(ge=0, lt=2**62)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Measure = Annotated[float, Field(ge=0, lt=1e12, allow_inf_nan=False)]


class Pricing(Payload):
    """Base prices. Everything else that a provider may charge for stays in the archive."""

    prompt: Price
    completion: Price
    input_cache_read: Price | None = None


class Percentiles(Payload):
    """A measure over the last 30 minutes."""

    p50: Measure


class Endpoint(Payload):
    """One model at one provider. OpenRouter shows latency and throughput to callers with a key only."""

    name: Name
    model_id: Name
    provider_name: Name
    tag: Name
    context_length: Tokens
    max_completion_tokens: Tokens | None
    pricing: Pricing
    quantization: Name | None
    status: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    supports_implicit_caching: bool
    uptime_last_5m: Percent | None
    uptime_last_30m: Percent | None
    uptime_last_1d: Percent | None
    latency_last_30m: Percentiles | None
    throughput_last_30m: Percentiles | None
    model_name: Any = None
    max_prompt_tokens: Any = None
    supported_parameters: Any = None
    supports_voice_cloning: Any = None
    native_tools: Any = None
    perf_last_30m_by_workload: Any = None


class Served(Payload):
    """A model and its endpoints; none where no provider serves it now."""

    id: Name
    endpoints: list[Endpoint]
    name: Any = None
    created: Any = None
    description: Any = None
    architecture: Any = None


class Endpoints(Payload):
    """The whole answer."""

    data: Served


class NotFound(Payload):
    """How OpenRouter says that it has no such model; any other 404 says nothing about it."""

    class Error(Payload):
        """Code and words."""

        code: Literal[404]
        message: Name

    error: Error


def plan(want: Want) -> list[Request]:
    """Ask for every wanted model whose id can be a path; `subjects` maps it to the slug of the rankings."""
    asked = [name for name in sorted(want.cells) if name in want.subjects and SAFE_ID.fullmatch(name)]
    return [
        Request(
            f"/api/v1/models/{identifier}/endpoints",
            # How many are asked tells a day that is not whole.
            context={"series": identifier, "model_permaslug": want.subjects[identifier], "asked_series": len(asked)},
        )
        for identifier in asked[: want.max_calls]
    ]


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return one row an endpoint, for raw.endpoints; none where the model is gone or nobody serves it.

    A retired id may lead to another model: what that one costs is not landed under the name that was asked.
    """
    identifier, permaslug = fetch.context["series"], fetch.context["model_permaslug"]
    if fetch.status == 404 and _says_not_found(body):
        return Parsed(settles=(identifier,), is_absent=True)
    require_ok(fetch.status, body, NAME)
    answer = read_json(Endpoints, body, NAME)
    served = answer.data
    warnings = unknown_fields([answer, served, *served.endpoints], NAME)
    if not _is_about(served, identifier, permaslug):
        other = f"{NAME} of {printable(identifier)} are those of {printable(served.id)}; they were not landed."
        return Parsed(settles=(identifier,), is_absent=True, warnings=(*warnings, other))
    return Parsed(
        frames={"endpoints": _frame(served.endpoints, permaslug, identifier)} if served.endpoints else {},
        settles=(identifier,),
        as_of=datetime.fromisoformat(fetch.fetched_at),
        is_absent=not served.endpoints,
        warnings=warnings,
    )


def _says_not_found(body: bytes) -> bool:
    try:
        read_json(NotFound, body, NAME)
    except ContractBrokenError:
        return False
    return True


def _is_about(served: Served, identifier: str, permaslug: str) -> bool:
    """Tell whether the answer is about the model that was asked.

    Where no catalogue knew an id, the slug of the rankings was asked: it has to be that of all endpoints.
    """
    if served.id == identifier:
        return True
    base, _, variant = permaslug.partition(":")
    is_same_variant = served.id.partition(":")[2] == variant
    return (
        identifier == permaslug and is_same_variant and {one.model_id for one in served.endpoints} <= {base, permaslug}
    )


def _frame(endpoints: Sequence[Endpoint], permaslug: str, identifier: str) -> pl.DataFrame:
    import polars as pl

    schema: dict[str, PolarsDataType] = {
        "model_permaslug": pl.String,
        "model_api_id": pl.String,
        "endpoint_number": pl.Int64,
        "provider_name": pl.String,
        "provider_tag": pl.String,
        "endpoint_name": pl.String,
        "context_length_tokens": pl.Int64,
        "max_completion_tokens": pl.Int64,
        "quantization": pl.String,
        "status": pl.Int64,
        "prompt_usd_per_token": pl.Float64,
        "completion_usd_per_token": pl.Float64,
        "input_cache_read_usd_per_token": pl.Float64,
        "uptime_5m_pct": pl.Float64,
        "uptime_30m_pct": pl.Float64,
        "uptime_1d_pct": pl.Float64,
        "latency_p50_ms": pl.Float64,
        "throughput_p50_tokens_per_second": pl.Float64,
        "supports_implicit_caching": pl.Boolean,
    }
    rows = [(permaslug, identifier, number, *_row(one)) for number, one in enumerate(endpoints, start=1)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _row(endpoint: Endpoint) -> tuple[Any, ...]:
    pricing = endpoint.pricing
    return (
        endpoint.provider_name,
        endpoint.tag,
        endpoint.name,
        endpoint.context_length,
        endpoint.max_completion_tokens,
        endpoint.quantization,
        endpoint.status,
        float(pricing.prompt),
        float(pricing.completion),
        optional_price(pricing.input_cache_read),
        endpoint.uptime_last_5m,
        endpoint.uptime_last_30m,
        endpoint.uptime_last_1d,
        endpoint.latency_last_30m.p50 if endpoint.latency_last_30m else None,
        endpoint.throughput_last_30m.p50 if endpoint.throughput_last_30m else None,
        endpoint.supports_implicit_caching,
    )


SOURCES = (
    Source(
        name=NAME,
        needs_key=False,
        cadence=Cadence.SNAPSHOT,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("endpoints",),
        series=None,
        takes_key=True,
    ),
)
