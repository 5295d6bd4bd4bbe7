"""An invented model market: the daily tokens of every model, and what OpenRouter would publish of them.

Authors, models, prices and volumes are made up; the rules of publication are OpenRouter's. A world is a pure
function of its seed, a shorter world is the beginning of a longer one, and every supported Python gives the
same integers. The default 700 days contain, on purpose:

- growth from about 0.4e12 to 12e12 tokens a day, weekday seasonality, steep launches, decay with age;
- two to three entries and exits a day at rank 50, among them models that leave and return;
- first weeks with fewer than 51 models, hence without `other`; `other` on nearly every later day;
- a newest day that is restated 24 hours after its end, rarely by up to 2 % for a model and 1 % in total;
- `:free` variants ranked beside their base, and one free-to-paid hand-over of a very large model;
- two stealth models, one of which is number 1 for weeks and then vanishes;
- one vendor with two namespaces, and several dated permaslugs of one model at once;
- launches in the middle of a UTC day with traffic on the same day;
- in the catalogue: ids unlike permaslugs, `:free` and `:batch` rows that share a canonical slug, `~` aliases,
  a router, price cuts, announced expiry, delisted models, an embedding model outside the default list;
- two ranked models that the catalogue never lists, and about thirty listed ones that never reach rank 50.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

OTHER = "other"  # reserved slug: everything outside the top 50
TOP = 50
WEEKDAY_FACTOR = (1.03, 1.06, 1.08, 1.06, 1.01, 0.86, 0.87)  # Monday to Sunday
FIRST_TOTAL, DAILY_GROWTH = 0.4e12, math.log(27) / 700  # tokens a day, log growth a day
FIRST_MODELS = 43  # on the market before the first day: too few for a tail
WHOLE = 10**7  # a model of average size has about this weight; weights are integers so that sums are exact
PLACEHOLDER_EXPIRY = "2098-12-31"  # what stealth rows carry instead of a date
NEVER = date.max
TIER_PRICE = {"": 100, "mini": 12, "swift": 35, "grand": 400}  # percent of the vendor's price


class Vendor(NamedTuple):
    """An invented author and how it names, prices and opens its models."""

    author: str
    family: str
    price: int  # US cents per million prompt tokens
    tiers: tuple[str, ...] = ("", "mini")
    open_weights: bool = False
    dated: bool = True  # permaslugs end in a date, ids do not
    reordered: bool = False  # ids put the tier before the generation, permaslugs after it

    def names(self, generation: int, tier: str, day: date) -> tuple[str, str, str]:
        """Permaslug without date, permaslug and id of a model."""
        suffix = f"-{tier}" if tier else ""
        stem = f"{self.author}/{self.family}-{generation}{suffix}"
        name = f"{self.author}/{self.family}{suffix}-{generation}" if self.reordered else stem
        return stem, f"{stem}-{day:%Y%m%d}" if self.dated else stem, name


VENDORS = (
    Vendor("northwind", "gale", 300, ("", "mini", "swift", "grand"), reordered=True),
    Vendor("meridian", "parallel", 250, ("", "mini", "grand"), reordered=True),
    Vendor("meridian-labs", "parallel-open", 40, open_weights=True),  # meridian's second namespace
    Vendor("brightwater", "brook", 125, ("", "swift", "mini")),
    Vendor("tundra", "moraine", 60, ("", "swift"), open_weights=True),
    Vendor("quillworks", "nib", 180),
    Vendor("ironwood", "bark", 55, open_weights=True),
    Vendor("paperkite", "spar", 90, ("", "swift")),
    Vendor("lanternfish", "lure", 30, ("", "mini", "swift"), open_weights=True),
    Vendor("cobalt-hill", "ridge", 75, ("", "grand")),
    Vendor("old-harbor", "anchor", 20, open_weights=True, dated=False),
    Vendor("fernbank", "frond", 15, ("", "swift"), open_weights=True),
)


@dataclass(frozen=True)
class Model:
    """One permaslug: the course of its traffic and its line in the catalogue."""

    slug: str  # the permaslug, `author/name-date[:variant]`
    id: str
    launched: datetime
    ends: date = NEVER  # first day without traffic; the catalogue drops the model then
    size: float = 0.0  # log weight at its best
    decay: float = 240.0  # days in which the weight falls by a factor e
    ramp: float = 2.5  # how far, in log weight, it starts below its size
    scripted: bool = False  # `size` is a log share of the organic total, and the traffic comes on top of that
    listed: bool = True
    price: int = 0  # US cents per million prompt tokens, 0 is free
    price_cut: tuple[date, int] = (NEVER, 100)  # first day of the new price, percent of the old one
    context: int = 131_072  # tokens
    open_weights: bool = False
    reasoning: bool = False
    images: bool = False
    output: str = "text"

    @property
    def canonical_slug(self) -> str:
        """The permaslug without its variant."""
        return self.slug.partition(":")[0]

    @property
    def name(self) -> str:
        """Display name."""
        author, _, rest = self.id.partition("/")
        stem, _, variant = rest.partition(":")
        words = f"{author}: {stem}".replace("-", " ").title()
        return f"{words} ({variant})" if variant else words

    def live(self, day: date) -> bool:
        """Whether the model has traffic on that day."""
        return self.launched.date() <= day < self.ends

    def weight(self, day: date, noise: float) -> int:
        """Weight on a live day in units of `WHOLE`: size, ramp, decay, noise, and a fade before the end."""
        age = (day - self.launched.date()).days
        level = self.size - self.ramp * math.exp(-age / 2) - age / self.decay + noise
        if not self.scripted:
            level -= 0.2 * max(0, 8 - (self.ends - day).days)
        weight = WHOLE * math.exp(level)
        if age == 0:
            weight *= 1 - (self.launched.hour * 60 + self.launched.minute) / 1440
        return round(weight)

    def price_at(self, at: datetime) -> int:
        """Hundredths of a US cent per million prompt tokens at that instant; completions cost four times as much."""
        cut_on, percent = self.price_cut
        return self.price * (percent if at.date() >= cut_on else 100)

    def entry(self, at: datetime) -> dict[str, Any]:
        """The model's object in the answer of `GET /models` at that instant."""
        price = self.price_at(at)
        stealth = self.slug.endswith("-alpha")
        announced = self.ends != NEVER and at >= midnight(self.ends - timedelta(45))
        sampling = ["max_tokens", "temperature", "top_p"]
        inputs = ["text", "image"] if self.images else ["text"]
        row: dict[str, Any] = {
            "id": self.id,
            "canonical_slug": self.canonical_slug,
            "hugging_face_id": self.id.partition(":")[0] if self.open_weights else None,
            "name": self.name,
            "created": int(self.launched.timestamp()),
            "description": f"{self.name} is simulated; there is no such model.",
            "context_length": self.context,
            "architecture": {
                "modality": f"{'+'.join(inputs)}->{self.output}",
                "input_modalities": inputs,
                "output_modalities": [self.output],
                "tokenizer": "Other",
                "instruct_type": None,
            },
            "pricing": {"prompt": usd(price), "completion": usd(price * 4)},
            "top_provider": {
                "context_length": self.context,
                "max_completion_tokens": self.context // 4,
                "is_moderated": False,
            },
            "per_request_limits": None,
            "supported_parameters": (["include_reasoning", "reasoning"] if self.reasoning else [])
            + (sampling if self.output == "text" else []),
            "default_parameters": {"temperature": None, "top_p": None},
            "supported_voices": None,
            "knowledge_cutoff": str((self.launched - timedelta(200)).date().replace(day=1)),
            "expiration_date": PLACEHOLDER_EXPIRY if stealth else str(self.ends) if announced else None,
            "links": {"details": f"/api/v1/models/{self.canonical_slug}/endpoints"},
        }
        if self.reasoning:
            row["reasoning"] = {"mandatory": False, "default_enabled": True}
        return row


class World:
    """The market: `truth` is what happened, `ranked` and `catalogue` what was published of it."""

    def __init__(self, seed: int = 7, first_day: date = date(2025, 1, 1), days: int = 700) -> None:
        """Draw the models and the course of the total; the days themselves are computed when asked for."""
        self.seed, self.first_day, self.last_day = seed, first_day, first_day + timedelta(days - 1)
        models = scripted(first_day) + organic(seed, first_day, days)
        self.models = sorted(models, key=lambda model: (model.launched, model.slug))
        self._totals = self._course(days)
        self._noise: dict[str, list[float]] = {}
        self._truth: dict[date, dict[str, int]] = {}

    def truth(self, day: date) -> dict[str, int]:
        """Final tokens of every model with traffic on that day; empty outside the simulated days."""
        if not self.first_day <= day <= self.last_day:
            return {}
        if day not in self._truth:
            live = [model for model in self.models if model.live(day)]
            weights = [model.weight(day, self._noise_of(model, day)) for model in live]
            organic_weight = sum(w for model, w in zip(live, weights, strict=True) if not model.scripted)
            total = self._totals[(day - self.first_day).days]
            tokens = {
                model.slug: total * weight // (WHOLE if model.scripted else organic_weight)
                for model, weight in zip(live, weights, strict=True)
            }
            self._truth[day] = {slug: count for slug, count in tokens.items() if count}
        return dict(self._truth[day])

    def shown(self, day: date, known_at: datetime) -> dict[str, int]:
        """The day's uncut tokens as known at that instant; empty until the day is complete."""
        if known_at < midnight(day + timedelta(1)):
            return {}
        tokens = self.truth(day)
        is_final = known_at >= midnight(day + timedelta(2))
        return tokens if is_final or not tokens else self._provisional(day, tokens)

    def ranked(self, day: date, known_at: datetime) -> list[tuple[str, int]]:
        """The day as published at that instant: the top 50 and `other`; empty until the day is complete."""
        return cut(self.shown(day, known_at))

    def listed(self, at: datetime) -> list[Model]:
        """The models that the catalogue names at that instant, oldest first."""
        return [model for model in self.models if model.listed and model.launched <= at < midnight(model.ends)]

    def catalogue(self, at: datetime) -> list[dict[str, Any]]:
        """The `data` of `GET /models` at that instant with all output modalities, newest model first."""
        listed = self.listed(at)
        rows = []
        for model in reversed(listed):
            rows.append(model.entry(at))
            if model.price >= 100 and not model.open_weights:
                rows.append(replace(model, id=f"{model.id}:batch", price=model.price // 2).entry(at))
        return [*rows, *self._aliases(listed, at), self._router(at)]

    def _course(self, days: int) -> list[int]:
        """Organic tokens of each day: exponential growth, a slow wobble and the weekday."""
        rng, wobble, totals = Random(f"{self.seed}/total"), 0.0, []
        for offset in range(days):
            wobble = 0.95 * wobble + rng.gauss(0, 0.01)
            weekday = WEEKDAY_FACTOR[(self.first_day + timedelta(offset)).weekday()]
            # Whole millions, so that a last-bit difference between math libraries cannot reach the tokens.
            millions = round(FIRST_TOTAL / 1e6 * weekday * math.exp(DAILY_GROWTH * offset + wobble))
            totals.append(millions * 10**6)
        return totals

    def _noise_of(self, model: Model, day: date) -> float:
        """A slow walk that reverts to zero plus daily jitter, which is larger for small models."""
        start = max(model.launched.date(), self.first_day)
        if model.slug not in self._noise:
            rng, walk, course = Random(f"{self.seed}/{model.slug}"), 0.0, []
            jitter = 0.03 if model.scripted else min(0.25, max(0.03, 0.18 - 0.06 * model.size))
            for _ in range((min(model.ends, self.last_day + timedelta(1)) - start).days):
                walk = 0.98 * walk + rng.gauss(0, 0.04)
                course.append(walk + rng.gauss(0, jitter))
            self._noise[model.slug] = course
        return self._noise[model.slug][(day - start).days]

    def _provisional(self, day: date, tokens: dict[str, int]) -> dict[str, int]:
        """The newest day as first shown: late traffic is missing, mostly 1e-5 to 1e-4 of it, rarely 1 %."""
        rng = Random(f"{self.seed}/provisional/{day}")
        late = rng.random() < 0.03
        missing = round(1e9 * (0.01 if late else 10 ** rng.uniform(-5, -4)))  # parts in 1e9 at most
        most_late = rng.choice(sorted(tokens)) if late else None
        shown = {}
        for slug, count in tokens.items():
            parts = rng.randint(missing // 3, missing)
            shown[slug] = count - count * (2 * parts if slug == most_late else parts) // 10**9
        return shown

    def _aliases(self, listed: list[Model], at: datetime) -> list[dict[str, Any]]:
        """A `~author/family-latest` row, standing for the newest model, of each vendor with reordered ids."""
        rows = []
        for vendor in (vendor for vendor in VENDORS if vendor.reordered):
            alias = f"~{vendor.author}/{vendor.family}-latest"
            for target in [model for model in listed if model.id.startswith(f"{vendor.author}/")][-1:]:
                row = replace(target, id=alias, slug=alias, launched=midnight(self.first_day)).entry(at)
                row["architecture"]["tokenizer"] = "Router"
                rows.append(row | {"alias_target": {"name": target.name, "slug": target.id}})
        return rows

    def _router(self, at: datetime) -> dict[str, Any]:
        """A row that is not a model: it forwards to others, so its price is unknown beforehand."""
        slug = "openrouter/signpost"
        row = Model(slug, slug, midnight(self.first_day) - timedelta(400), context=2_000_000).entry(at)
        row["architecture"]["tokenizer"] = "Router"
        row["pricing"] = {"prompt": "-1", "completion": "-1"}
        return row


def cut(tokens: Mapping[str, int]) -> list[tuple[str, int]]:
    """The rows that are published of a day or week: the 50 largest, ties by slug, and `other` for the rest."""
    rows = sorted(((slug, count) for slug, count in tokens.items() if count), key=lambda row: (-row[1], row[0]))
    tail = sum(count for _, count in rows[TOP:])
    return rows[:TOP] + ([(OTHER, tail)] if tail else [])


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time(), UTC)


def usd(hundredths: int) -> str:
    """Dollars per token, as the catalogue writes them, from hundredths of a cent per million tokens."""
    return f"{Decimal(hundredths).scaleb(-10).normalize():f}" if hundredths else "0"


def scripted(first_day: date) -> list[Model]:
    """The models that play a fixed part, each sized by its share of the organic total."""

    def model(name: str, offset: int, until: int | None, share: float, **traits: Any) -> Model:
        day = first_day + timedelta(offset)
        ends = NEVER if until is None else first_day + timedelta(until)
        launched = midnight(day) + timedelta(hours=14, minutes=30)
        slug = name if name.endswith("-alpha") else f"{name}-{day:%Y%m%d}"
        part: dict[str, Any] = {"ends": ends, "size": math.log(share), "decay": 1500.0, "scripted": True}
        return Model(slug, name, launched, **(part | traits))

    free = model("tundra/serac-1", 512, 571, 0.16, open_weights=True, reasoning=True)
    # Price and slug change from one day to the next, and two thirds of the traffic do not follow.
    paid = replace(free, launched=midnight(free.ends), ends=NEVER, size=free.size - 1.1, ramp=0.3, price=45)
    return [
        replace(free, slug=f"{free.slug}:free", id=f"{free.id}:free"),
        paid,
        model("openrouter/lapwing-alpha", 118, 141, 0.06, context=1_000_000),
        model("stealth/heron-alpha", 372, 415, 0.26, reasoning=True, images=True, context=1_000_000),
        model("cobalt-hill/ridge-embed-1", 190, None, 0.012, output="embeddings", price=2),
        model("quillworks/margin-2", 150, 500, 0.015, listed=False),
        model("fernbank/understory-1", 260, None, 0.02, listed=False),
    ]


def organic(seed: int, first_day: date, days: int) -> list[Model]:
    """Models drawn at random: the market before the first day, then the launches day by day."""
    rng = Random(f"{seed}/launches")
    newest = {vendor.family: 1 for vendor in VENDORS}  # generation
    taken: set[str] = set()  # stems, permaslugs and ids
    models: list[Model] = []

    def launch(day: date, niche: bool = False) -> None:
        vendor = rng.choice(VENDORS)
        tier = rng.choice(vendor.tiers)
        generation = newest[vendor.family] + (rng.random() < 0.3)
        while True:
            stem, slug, name = vendor.names(generation, tier, day)
            if stem in taken:  # the same model again under a second date, which its id shortens
                name += f"-{day:%m%d}"
            if not taken & {slug, name}:
                break
            generation += 1
        taken.update((stem, slug, name))
        newest[vendor.family] = generation
        on_market = max(day, first_day)
        model = Model(
            slug,
            name,
            midnight(day) + timedelta(hours=rng.randint(8, 20), minutes=15 * rng.randrange(4)),
            ends=NEVER if niche else on_market + timedelta(40 + int(rng.expovariate(1 / 200))),
            size=min(-4.2, rng.gauss(-5, 0.5)) if niche else min(2.2, rng.gauss(0, 1.2)),
            decay=2000.0 if niche else rng.uniform(120, 400),
            price=vendor.price * TIER_PRICE[tier] // 100,
            price_cut=(on_market + timedelta(rng.randint(30, 200)), rng.choice((50, 75, 100, 100))),
            context=rng.choice((32_768, 131_072, 262_144, 1_000_000)),
            open_weights=vendor.open_weights,
            reasoning=rng.random() < 0.5,
            images=rng.random() < 0.4,
        )
        models.append(model)
        if vendor.open_weights and not niche and rng.random() < 0.4:
            size = model.size + math.log(rng.uniform(0.2, 0.7))
            ends = min(model.ends, on_market + timedelta(rng.randint(40, 220)))
            free = replace(model, slug=f"{slug}:free", id=f"{name}:free", price=0)
            models.append(replace(free, size=size, ends=ends))

    while len(models) < FIRST_MODELS:
        launch(first_day - timedelta(rng.randint(1, 300)))
    for offset in range(days):
        for _ in range((rng.random() < 0.28) + (rng.random() < 0.12)):
            launch(first_day + timedelta(offset))
        if offset >= 60 and offset % 20 == 0:
            launch(first_day + timedelta(offset), niche=True)
    return models
