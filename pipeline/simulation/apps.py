"""An invented market of apps, which send their traffic through the models of a `World`.

Like the models, the apps are a pure function of the seed, those of a shorter world are the beginning of those of
a longer one, and every supported Python gives the same integers. All of them together use 56 to 69 % of a day's
tokens; the rest comes without an app or from hidden ones. The market contains, on purpose:

- 225 apps on the first day and 262 by the end of 700 days, never fewer than 220 at once: ranks 1 to 200 are full;
- coding apps that grow from the fringe to the top, and a roleplay app that leads at first, fades and ends;
- launches, apps that end, and some that live for a few months only;
- three apps that change their display name, one of them twice, and one name that two ids share;
- an app whose requests become nine times as long, while others keep their length;
- ids that tell nothing about name or rank, and a tenth of the apps without a subcategory;
- quiet weekends for coding, busy ones for entertainment;
- a newest day that is restated 24 hours after its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import count
from random import Random
from typing import Any, NamedTuple

from .world import NEVER, WHOLE, World, midnight

CATEGORY_OF = {
    "cli-agent": "coding",
    "ide-extension": "coding",
    "cloud-agent": "coding",
    "programming-app": "coding",
    "native-app-builder": "coding",
    "creative-writing": "creative",
    "video-gen": "creative",
    "image-gen": "creative",
    "audio-gen": "creative",
    "writing-assistant": "productivity",
    "general-chat": "productivity",
    "personal-agent": "productivity",
    "legal": "productivity",
    "roleplay": "entertainment",
    "game": "entertainment",
}
APP_CATEGORIES = tuple(dict.fromkeys(CATEGORY_OF.values()))
WEEKEND = {"coding": -0.1, "entertainment": 0.2}  # change of the log weight on Saturday and Sunday
FIRST_APPS = 225
LAUNCH_EVERY, END_EVERY = 20, 30  # days; fewer ends than launches keep the board full
LONGEST_DECAY = 1500  # days of age after which the trend of an app has run its course
SHARE, SHARE_LOW, SHARE_HIGH = 625, 560, 690  # tokens of all apps, in thousandths of the day's total
FIRST_WORDS = """
    Badger Biscuit Bramble Button Clover Custard Gravel Gumboot Kettle Marrow Mitten
    Mustard Noodle Parsnip Pepper Pickle Pigeon Puddle Radish Thistle Turnip Walnut
"""
SECOND_WORDS = """
    Accordion Bathtub Bobbin Bucket Chimney Cupboard Doorbell Hammock Ladder Lamppost Mailbox
    Pulley Sidecar Sundial Teapot Thimble Toboggan Trowel Umbrella Wheelbarrow Windmill Woodpile
"""


class Use(NamedTuple):
    """What an app used in a day or a window."""

    tokens: int
    requests: int


@dataclass(frozen=True)
class App:
    """One app: its names, its place in the taxonomy and the course of its traffic."""

    id: int
    slug: str
    names: tuple[tuple[date, str], ...]  # display names, each with the first day on which it is shown
    subcategory: str | None
    launched: date  # first day with traffic; the first day of the world for all that were there before
    ends: date = NEVER  # first day without traffic
    size: float = 0.0  # log weight that it grows to
    ramp: float = 0.0  # how far, in log weight, it starts below its size
    ramp_days: float = 6.0  # days in which that distance falls by a factor e
    trend: float = 0.0  # log growth a day, relative to the market
    request_tokens: int = 20_000  # tokens a request at launch
    lengthening: float = 0.0  # log growth of that a day

    @property
    def category(self) -> str | None:
        """The category of its subcategory."""
        return CATEGORY_OF.get(self.subcategory or "")

    def name(self, day: date) -> str:
        """The display name on that day."""
        return max((named for named in self.names if named[0] <= day), default=self.names[0])[1]

    def live(self, day: date) -> bool:
        """Whether the app has traffic on that day."""
        return self.launched <= day < self.ends

    def weight(self, day: date, noise: float) -> int:
        """Weight on a live day in units of `WHOLE`: size, ramp, trend, weekend, noise, and a fade before the end."""
        age = (day - self.launched).days
        level = self.size - self.ramp * math.exp(-age / self.ramp_days) + self.trend * min(age, LONGEST_DECAY) + noise
        level -= 0.2 * max(0, 8 - (self.ends - day).days)
        if day.weekday() >= 5:
            level += WEEKEND.get(self.category or "", 0.0)
        return round(WHOLE * math.exp(level))

    def tokens_a_request(self, day: date, jitter: int) -> int:
        """Mean tokens of a request on a live day; `jitter` in thousandths."""
        age = min((day - self.launched).days, LONGEST_DECAY)
        return max(1, round(self.request_tokens * math.exp(self.lengthening * age)) * (1000 + jitter) // 1000)


class Ranked(NamedTuple):
    """One line of a ranking."""

    app: App
    use: Use


class AppMarket:
    """The apps of a world: `truth` is what happened, `ranking` what was published of it."""

    def __init__(self, world: World) -> None:
        """Nothing is drawn before it is asked for, so that a world whose apps nobody reads stays cheap."""
        self.world = world
        self._truth: dict[date, dict[int, Use]] = {}

    @cached_property
    def apps(self) -> tuple[App, ...]:
        """All apps of the simulated days, in the order of their launch."""
        return tuple(draw_apps(self.world))

    def truth(self, day: date) -> dict[int, Use]:
        """Final use of every app with traffic on that day, by id; empty outside the simulated days."""
        if not self.world.first_day <= day <= self.world.last_day:
            return {}
        if day not in self._truth:
            self._truth[day] = self._use(day)
        return self._truth[day]

    def shown(self, day: date, known_at: datetime) -> dict[int, Use]:
        """The day's use as known at that instant; empty until the day is complete."""
        if known_at < midnight(day + timedelta(1)):
            return {}
        use = self.truth(day)
        return use if known_at >= midnight(day + timedelta(2)) else self._provisional(day, use)

    def window(self, first: date, last: date, known_at: datetime) -> dict[int, Use]:
        """The sum of the days from the first to the last of every app with traffic on one of them."""
        first, last = max(first, self.world.first_day), min(last, self.world.last_day)
        tokens: dict[int, int] = {}
        requests: dict[int, int] = {}
        for offset in range((last - first).days + 1):
            for app_id, use in self.shown(first + timedelta(offset), known_at).items():
                tokens[app_id] = tokens.get(app_id, 0) + use.tokens
                requests[app_id] = requests.get(app_id, 0) + use.requests
        return {app_id: Use(total, requests[app_id]) for app_id, total in tokens.items()}

    def ranking(
        self,
        first: date,
        last: date,
        known_at: datetime,
        category: str | None = None,
        subcategory: str | None = None,
        trending: bool = False,
    ) -> list[Ranked]:
        """All apps of a window in order: by tokens, or by what they exceed the mean of three windows before."""
        use = self.window(first, last, known_at)
        score = {app_id: used.tokens for app_id, used in use.items()}
        if trending:
            length = last - first + timedelta(1)
            before = self.window(first - 3 * length, first - timedelta(1), known_at)
            # Three times the excess, so that it stays a whole number.
            score = {app_id: 3 * total - before.get(app_id, Use(0, 0)).tokens for app_id, total in score.items()}
        rows = [
            Ranked(app, use[app.id])
            for app in self.apps
            if score.get(app.id, 0) > 0
            if category in (None, app.category) and subcategory in (None, app.subcategory)
        ]
        return sorted(rows, key=lambda row: (-score[row.app.id], row.app.id))

    def _use(self, day: date) -> dict[int, Use]:
        """Split the part of the day's tokens that goes through apps."""
        offset = (day - self.world.first_day).days
        total = sum(self.world.truth(day).values()) * self._shares[offset] // 1000
        live = [app for app in self.apps if app.live(day)]
        points = [self._courses[app.id][(day - app.launched).days] for app in live]
        weights = sum(weight for weight, _ in points)
        use = {}
        for app, (weight, request_tokens) in zip(live, points, strict=True):
            tokens = max(1, total * weight // weights)
            use[app.id] = Use(tokens, max(1, tokens // request_tokens))
        return use

    @cached_property
    def _shares(self) -> list[int]:
        """What part of each day goes through apps, in thousandths: a slow walk around `SHARE`."""
        rng, walk, shares = Random(f"{self.world.seed}/apps/share"), 0, []
        for _ in range((self.world.last_day - self.world.first_day).days + 1):
            walk = walk * 97 // 100 + rng.randint(-9, 10)
            shares.append(min(SHARE_HIGH, max(SHARE_LOW, SHARE + walk)))
        return shares

    @cached_property
    def _courses(self) -> dict[int, list[tuple[int, int]]]:
        """Weight and tokens a request of every app on each of its days."""
        return {app.id: self._course(app) for app in self.apps}

    def _course(self, app: App) -> list[tuple[int, int]]:
        rng, walk, course = Random(f"{self.world.seed}/apps/{app.id}"), 0.0, []
        last = min(app.ends - timedelta(1), self.world.last_day)
        for offset in range((last - app.launched).days + 1):
            day = app.launched + timedelta(offset)
            walk = 0.97 * walk + rng.gauss(0, 0.05)
            jitter = int(rng.random() * 81) - 40
            course.append((app.weight(day, walk), app.tokens_a_request(day, jitter)))
        return course

    def _provisional(self, day: date, use: dict[int, Use]) -> dict[int, Use]:
        """The newest day as first shown: of every app a little is missing, mostly 1e-5 to 1e-4, rarely up to 1 %."""
        rng = Random(f"{self.world.seed}/apps/provisional/{day}")
        missing = round(1e9 * (0.01 if rng.random() < 0.03 else 10 ** rng.uniform(-5, -4)))  # parts in 1e9 at most
        shown = {}
        for app_id, used in use.items():
            parts = rng.randint(missing // 3, missing)
            shown[app_id] = Use(*(whole - whole * parts // 10**9 for whole in used))
        return shown


@lru_cache(maxsize=4)
def market_of(world: World) -> AppMarket:
    """The apps of a world; the same object for the same world, because the first question takes half a second."""
    return AppMarket(world)


def draw_apps(world: World) -> Iterator[App]:
    """The scripted apps, then those drawn at random: the market of the first day, and a launch every 20 days."""
    seed, first_day = world.seed, world.first_day
    scripted = scripted_apps(first_day)
    ids, names = _ids(seed), _names(seed)
    days = (world.last_day - first_day).days + 1
    yield from (app for app in scripted if app.launched <= world.last_day)
    rng = Random(f"{seed}/apps/first")
    for number in range(FIRST_APPS - sum(app.launched == first_day for app in scripted)):
        ends = first_day + timedelta(45 + END_EVERY * number)
        yield _drawn(rng, next(ids), next(names), first_day, ends=ends, trend=rng.gauss(0, 0.001))
    for number, offset in enumerate(range(10, days, LAUNCH_EVERY)):
        rng, launched = Random(f"{seed}/apps/launch/{number}"), first_day + timedelta(offset)
        ends = launched + timedelta(rng.randint(60, 120)) if number % 5 == 3 else NEVER
        yield _drawn(rng, next(ids), next(names), launched, ends=ends, ramp=2.5)


def _drawn(rng: Random, app_id: int, name: str, launched: date, **course: Any) -> App:
    """An app of random size, length of requests and subcategory."""
    return App(
        app_id,
        name.lower().replace(" ", "-"),
        ((launched, name),),
        rng.choice(tuple(CATEGORY_OF)) if rng.random() < 0.9 else None,
        launched,
        size=max(-3.5, min(3.0, rng.gauss(0, 1.5))),
        request_tokens=round(math.exp(rng.uniform(math.log(2_000), math.log(110_000)))),
        lengthening=rng.gauss(0, 0.0002),
        **course,
    )


def _ids(seed: int) -> Iterator[int]:
    """Ids in no order, each once, apart from those of the scripted apps."""
    rng, taken = Random(f"{seed}/apps/ids"), set[int]()
    while True:
        number = rng.randrange(100_000, 5_000_000)
        if number not in taken:
            taken.add(number)
            yield number


def _names(seed: int) -> Iterator[str]:
    """Names of two words, each once."""
    pairs = [f"{first} {second}" for first in FIRST_WORDS.split() for second in SECOND_WORDS.split()]
    Random(f"{seed}/apps/names").shuffle(pairs)
    yield from pairs
    for number in count(2):
        yield from (f"{pair} {number}" for pair in pairs)


def scripted_apps(first_day: date) -> list[App]:
    """The apps that play a fixed part."""

    def app(
        app_id: int, name: str, subcategory: str | None, size: float, offset: int = 0, until: int = 0, **traits: Any
    ) -> App:
        launched = first_day + timedelta(offset)
        ends = first_day + timedelta(until) if until else NEVER
        renamed = traits.pop("renamed", {})
        names = ((launched, name), *((first_day + timedelta(day), later) for day, later in renamed.items()))
        slug = traits.pop("slug", name.lower().replace(" ", "-"))
        return App(app_id, slug, names, subcategory, launched, ends, size, **traits)

    return [
        app(7_402_118, "Marzipan Foundry", "cli-agent", 5.0, ramp=5.0, ramp_days=230.0, request_tokens=70_000),
        app(6_031_977, "Teacosy Harbour", "ide-extension", 4.4, ramp=3.0, ramp_days=320.0, request_tokens=85_000),
        app(8_215_604, "Rhubarb Orbit", "cloud-agent", 4.6, 180, ramp=5.0, ramp_days=90.0, request_tokens=60_000),
        app(5_880_421, "Long Porridge", "programming-app", 3.4, request_tokens=9_000, lengthening=math.log(9) / 700),
        app(6_650_093, "Velvet Parsley", "roleplay", 5.0, until=560, trend=-0.004, request_tokens=14_000),
        app(9_104_556, "Spoonbill Night", "general-chat", 4.2, 90, 152, ramp=2.5, request_tokens=8_000),
        app(7_733_240, "Dumpling Desk", "personal-agent", 3.0, renamed={21: "Dumpling Concierge"}),
        app(5_318_862, "Treacle Whistle", "native-app-builder", 2.9, renamed={33: "trwh", 400: "Treacle Whistle II"}),
        app(8_847_315, "Oatcake Annex", "writing-assistant", 2.4, renamed={310: "Oatcake Almanac"}),
        # Two ids with one name.
        app(9_560_027, "Moss Parlour", "game", 2.6, request_tokens=5_000),
        app(6_247_781, "Moss Parlour", None, 1.9, slug="moss-parlour-2", request_tokens=30_000),
    ]
