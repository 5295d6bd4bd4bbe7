"""Slices of a `World`'s days: by context length and modality exactly, by kind of use as weekly estimates.

Everything follows from the models' own tokens, so that the five context buckets of a model add up to them to the
last token. What a slice shows of a day is what is known of the day at the clock, restatement included. In 700 days

- requests grow longer: the middle of the context lengths moves by one bucket, and no model has more than fits it;
- tool calling spreads, and programming takes a growing part of the sampled tokens.

The catalogue of the simulation names no model that hears, paints or calls tools, and published output depends on
its bytes; which ones do, and how much, is therefore known to these slices only.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from .world import World, cut

CONTEXT_BUCKETS = ("1K", "10K", "100K", "1M", "10M")  # each up to that many tokens of prompt and completion
MODALITIES = ("text", "image", "image_output", "audio", "tool_calling")
# Thousandths of all tokens on the first day and after `TREND_DAYS`; sampled, hence without a common sum.
CATEGORIES = {
    "programming": (360, 520),
    "roleplay": (180, 90),
    "marketing": (35, 30),
    "marketing/seo": (20, 14),
    "technology": (90, 85),
    "science": (40, 40),
    "translation": (40, 28),
    "legal": (15, 18),
    "finance": (25, 34),
    "health": (20, 18),
    "trivia": (35, 20),
    "academia": (30, 26),
}
LANGUAGE_TYPES = {"natural": (560, 450), "programming": (330, 460)}
TREND_DAYS = 700
STEP = 400  # tokens of an estimate that one sampled token stands for
FIRST_MIDDLE, DRIFT = 150, 100  # hundredths of a bucket: the middle on the first day, its rise in `TREND_DAYS`
SPREAD = 75  # standard deviation of the lengths, in hundredths of a bucket

Rows = list[tuple[str, int]]


class Split(NamedTuple):
    """How tokens fall into the buckets."""

    weights: tuple[int, ...]
    total: int
    largest: int  # the bucket that also takes what rounding leaves

    def part(self, tokens: int, bucket: int) -> int:
        """The tokens in a bucket; all buckets together have exactly `tokens`."""
        if bucket != self.largest:
            return tokens * self.weights[bucket] // self.total
        return tokens - sum(self.part(tokens, other) for other in range(len(self.weights)) if other != bucket)


class Slices:
    """The sliced rankings of a world, each published like the whole: the top 50 of the slice and `other`."""

    def __init__(self, world: World) -> None:
        """Take the world; everything else is computed when it is asked for."""
        self.world = world
        self._models = {model.slug: model for model in world.models}
        self._traits: dict[tuple[str, str], int] = {}

    def by_context(self, bucket: str, day: date, known_at: datetime) -> Rows:
        """The ranking of a day's tokens in requests of one context length."""
        position = CONTEXT_BUCKETS.index(bucket)
        shown = self.world.shown(day, known_at)
        return cut({slug: self._split(slug, day).part(count, position) for slug, count in shown.items()})

    def by_modality(self, modality: str, day: date, known_at: datetime) -> Rows:
        """The ranking of a day's tokens in requests with one modality; a request may have several."""
        shown = self.world.shown(day, known_at)
        return cut({slug: count * self._use_of(slug, modality, day) // 1000 for slug, count in shown.items()})

    def by_category(self, category: str, monday: date, known_at: datetime) -> Rows:
        """The sampled ranking of an ISO week's complete days for one kind of use, in multiples of 400 tokens."""
        return self._estimate(monday, f"category/{category}", CATEGORIES[category], known_at)

    def by_language(self, language_type: str, monday: date, known_at: datetime) -> Rows:
        """The like for natural or programming languages."""
        return self._estimate(monday, f"language/{language_type}", LANGUAGE_TYPES[language_type], known_at)

    def _estimate(self, monday: date, kind: str, thousandths: tuple[int, int], known_at: datetime) -> Rows:
        week: dict[str, int] = {}
        for offset in range(7):
            for slug, count in self.world.shown(monday + timedelta(offset), known_at).items():
                week[slug] = week.get(slug, 0) + count
        first, later = thousandths
        part = first * 1000 + (later - first) * 1000 * self._elapsed(monday) // TREND_DAYS  # millionths
        rng = Random(f"{self.world.seed}/sample/{kind}/{monday}")
        sampled = {}
        for slug in sorted(week):
            affinity = self._trait(slug, kind, 40, 160) * rng.randint(97, 103)  # 1e4 is neutral
            sampled[slug] = week[slug] * part * affinity // 10**10 // STEP * STEP
        return cut(sampled)

    def _split(self, slug: str, day: date) -> Split:
        model = self._models[slug]
        own = self._trait(slug, "context", -45, 45)
        # A slow wave of a model's own, so that not every bucket moves in step.
        wave = abs((day.toordinal() + self._trait(slug, "wave", 0, 39)) % 40 - 20) - 10
        middle = FIRST_MIDDLE + DRIFT * self._elapsed(day) // TREND_DAYS + own + wave
        return split_at(middle, model.context)

    def _use_of(self, slug: str, modality: str, day: date) -> int:
        """Thousandths of a model's tokens that are in requests with that modality."""
        model = self._models[slug]
        if model.output != "text":
            return 0
        if modality == "text":
            return 1000
        if modality == "tool_calling":
            return self._trait(slug, "tools", 200, 600) + 350 * self._elapsed(day) // TREND_DAYS
        able = model.images and (modality == "image" or self._trait(slug, f"able/{modality}", 0, 3) == 0)
        return self._trait(slug, modality, 40, 400) if able else 0

    def _elapsed(self, day: date) -> int:
        """Days since the first day; a trend ends after `TREND_DAYS`, lest a part of something become none of it."""
        return min(max(0, (day - self.world.first_day).days), TREND_DAYS)

    def _trait(self, slug: str, purpose: str, low: int, high: int) -> int:
        """A number of a model that never changes; its variants have the same one."""
        slug = slug.partition(":")[0]
        if (slug, purpose) not in self._traits:
            self._traits[slug, purpose] = Random(f"{self.world.seed}/{purpose}/{slug}").randint(low, high)
        return self._traits[slug, purpose]


@cache
def split_at(middle: int, context: int) -> Split:
    """The split of lengths around `middle` (hundredths of a bucket), cut at a model's context length in tokens."""
    fits = sum(10**power <= context for power in range(3, 7))  # the last bucket that some request may reach
    weights = [
        round(10**6 * math.exp(-((100 * bucket - middle) ** 2) / (2 * SPREAD**2))) if bucket <= fits else 0
        for bucket in range(len(CONTEXT_BUCKETS))
    ]
    # A context of a million tokens is passed by its completion only.
    weights[-1] //= 20
    return Split(tuple(weights), sum(weights), weights.index(max(weights)))
