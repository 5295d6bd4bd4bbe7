"""The providers that serve models through OpenRouter now, with their seats. Keyless."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed, Payload, read_json, require_unique, unknown_fields
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk
from pipeline.sources.models import Name

NAME = "providers"
PATH = "/api/v1/providers"

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Url = Annotated[str, StringConstraints(max_length=2000)]


class Provider(Payload):
    """One provider; what it does not state is null or missing."""

    name: Name
    slug: Name
    privacy_policy_url: Url | None
    terms_of_service_url: Url | None = None
    status_page_url: Url | None = None
    headquarters: Country | None = None
    datacenters: list[Country] | None = None


class Providers(Payload):
    """The whole answer."""

    data: list[Provider]


def plan(want: Want) -> list[Request]:
    """Ask for the list."""
    return [Request(PATH, context={"series": WHOLE})] if want.cells else []


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return one row a provider, for raw.providers; an empty list of datacenters stays apart from none."""
    import polars as pl

    require_ok(fetch.status, body, NAME)
    answer = read_json(Providers, body, NAME)
    if not answer.data:
        raise ContractBrokenError(f"{NAME} has no rows: empty is an error, not a day without providers.")
    rows = [
        (
            provider.name,
            provider.slug,
            provider.headquarters,
            None if provider.datacenters is None else ",".join(sorted(set(provider.datacenters))),
            provider.privacy_policy_url or None,
            provider.terms_of_service_url or None,
            provider.status_page_url or None,
        )
        for provider in answer.data
    ]
    names = ("name", "slug", "headquarters", "datacenters")
    urls = ("privacy_policy_url", "terms_of_service_url", "status_page_url")
    frame = pl.DataFrame(rows, orient="row", schema=dict.fromkeys((*names, *urls), pl.String))
    require_unique(frame, ["slug"], NAME)
    return Parsed(
        frames={"providers": frame},
        settles=(WHOLE,),
        as_of=datetime.fromisoformat(fetch.fetched_at),
        warnings=unknown_fields([answer, *answer.data], NAME),
    )


SOURCES = (
    Source(
        name=NAME,
        needs_key=False,
        cadence=Cadence.SNAPSHOT,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("providers",),
    ),
)
