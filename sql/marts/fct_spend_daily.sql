-- What the tokens of each listed model cost on each day at list prices: an estimate, and a band rather than a number,
-- because no public API tells prompt, cached and completion tokens apart. Low: every token is a prompt token at the
-- lowest price that is known of the day, list, cached or at the cheapest provider. Mid: the assumed mix, its cached
-- part at the price of a cache read where one is named. High: nothing is cached, and as many completions as were
-- measured. Where a completion is cheaper than a prompt, it counts in low, and a prompt instead of it in high. Not in
-- the band are discounts, dearer tiers of long contexts, writes to the cache, and fees for requests, images and
-- searches. A model without a price of its own has none here: its tokens are unpriced, not free. Only a `:free` variant
-- that no catalogue has costs 0 by its name, which is assumed, and counts as priced.
-- grain: date, model_permaslug
-- check: low_usd_per_million <= mid_usd_per_million and mid_usd_per_million <= high_usd_per_million
-- check: spend_low_usd <= spend_mid_usd and spend_mid_usd <= spend_high_usd
-- check: low_usd_per_million >= 0
-- check: (spend_mid_usd is null) = (is_price_assumed is null)
with served as (
    select
        date,
        model_permaslug,
        round(1e6 * lowest_prompt_usd_per_token, 6)::decimal(18, 6) as lowest_prompt_usd
    from marts.fct_model_price_daily
    where lowest_prompt_usd_per_token is not null
),

priced as (
    select
        tokens.date,
        tokens.model_permaslug,
        tokens.total_tokens,
        days.is_provisional,
        prices.mid_usd_per_million,
        prices.high_usd_per_million,
        prices.completion_usd_per_million,
        tokens.date not between prices.known_from_date and prices.known_until_date as is_price_assumed,
        least(
            prices.lowest_prompt_usd_per_million,
            coalesce(served.lowest_prompt_usd, prices.lowest_prompt_usd_per_million)
        ) as lowest_prompt_usd,
        mix.prompt_pct,
        mix.least_prompt_pct,
        mix.cached_pct
    from staging.stg_rankings_daily as tokens
    inner join intermediate.int_days as days on tokens.date = days.date
    inner join intermediate.int_model_matches as matches on tokens.model_permaslug = matches.model_permaslug
    cross join curated.token_mix as mix
    left join intermediate.int_token_prices as prices
        on
            tokens.model_permaslug = prices.model_permaslug
            and tokens.date between prices.first_date and prices.last_date
    left join served
        on tokens.date = served.date and matches.catalogue_slug = served.model_permaslug
),

banded as (
    select
        *,
        (
            (least_prompt_pct / 100)::decimal(5, 4) * lowest_prompt_usd
            + (1 - least_prompt_pct / 100)::decimal(5, 4) * least(lowest_prompt_usd, completion_usd_per_million)
        )::decimal(19, 9) as low_usd_per_million
    from priced
)

select
    date,
    model_permaslug,
    total_tokens, -- prompt and completion tokens, each provider's own tokenizer
    low_usd_per_million::double as low_usd_per_million, -- price of a million tokens, low; null without a price
    mid_usd_per_million::double as mid_usd_per_million, -- price of a million tokens by the assumed mix
    high_usd_per_million::double as high_usd_per_million, -- price of a million tokens, high
    round((total_tokens * low_usd_per_million)::double / 1e6, 6) as spend_low_usd, -- cost of the day's tokens, low
    round((total_tokens * mid_usd_per_million)::double / 1e6, 6)
        as spend_mid_usd, -- cost of the day's tokens by the assumed mix; null without a price
    round((total_tokens * high_usd_per_million)::double / 1e6, 6) as spend_high_usd, -- cost of the day's tokens, high
    is_price_assumed, -- before the first catalogue with the model, or after the last one; null without a price
    prompt_pct, -- assumed share of prompt tokens in all tokens, in mid
    least_prompt_pct, -- the same in high
    cached_pct, -- assumed share of prompt tokens that are read from the cache, in mid
    is_provisional -- as_of is on the day after, or before: a restatement is likely
from banded
