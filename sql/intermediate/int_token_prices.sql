-- What a million tokens of each ranked model cost, from which day to which day: the prices of its own catalogue row,
-- never those of another variant, weighted by the assumed mix of tokens. A version holds until the next one, the first
-- one also for the days before it and the last one after the catalogue has dropped it: these days are assumed. A
-- `:free` variant that no catalogue has costs nothing by its name. Routers, models billed by image or second, and what
-- is matched by its base alone have no price. Decimals, so that sums are exact in every order.
-- grain: model_permaslug, first_date
-- check: first_date <= last_date
-- check: mid_usd_per_million <= high_usd_per_million
with shares as (
    select
        (prompt_pct / 100)::decimal(5, 4) as prompt,
        (1 - prompt_pct / 100)::decimal(5, 4) as completion,
        (cached_pct / 100)::decimal(5, 4) as cached,
        (1 - cached_pct / 100)::decimal(5, 4) as uncached,
        (least_prompt_pct / 100)::decimal(5, 4) as least_prompt,
        (1 - least_prompt_pct / 100)::decimal(5, 4) as most_completion
    from curated.token_mix
),

versions as (
    select
        model_permaslug,
        if(is_first, '-infinity'::date, date) as first_date,
        coalesce(lead(date) over (partition by model_permaslug order by date) - 1, 'infinity'::date) as last_date,
        date as known_from_date,
        valid_until_date as known_until_date,
        prompt_usd_per_million > 0 or completion_usd_per_million > 0 or is_free or model_permaslug like '%:free'
            as is_billed_by_token,
        prompt_usd_per_million::decimal(18, 6) as prompt_usd,
        completion_usd_per_million::decimal(18, 6) as completion_usd,
        coalesce(cache_read_usd_per_million, prompt_usd_per_million)::decimal(18, 6) as cached_usd
    from intermediate.int_model_prices
    union all
    select
        model_permaslug,
        '-infinity'::date as first_date,
        'infinity'::date as last_date,
        'infinity'::date as known_from_date,
        '-infinity'::date as known_until_date,
        true as is_billed_by_token,
        0 as prompt_usd,
        0 as completion_usd,
        0 as cached_usd
    from intermediate.int_model_matches
    where variant = 'free' and catalogue_slug is null and first_listed_date is not null
)

select
    versions.model_permaslug, -- slug of the rankings, with `:variant`
    versions.first_date, -- first UTC day; -infinity for the first version
    versions.last_date, -- last UTC day; infinity for the last version
    versions.known_from_date, -- first UTC day on which the price is known, not assumed
    versions.known_until_date, -- last UTC day on which it is
    least(versions.prompt_usd, versions.cached_usd)
        as lowest_prompt_usd_per_million, -- price of a million prompt tokens, list or cached, whichever is less
    versions.completion_usd as completion_usd_per_million, -- list price of a million completion tokens
    (
        shares.prompt
        * (shares.cached * versions.cached_usd + shares.uncached * versions.prompt_usd)::decimal(28, 10)
        + shares.completion * versions.completion_usd
    )::decimal(19, 9) as mid_usd_per_million, -- blended price of a million tokens by the assumed mix
    (
        shares.least_prompt * greatest(versions.prompt_usd, versions.cached_usd)
        + shares.most_completion * greatest(versions.prompt_usd, versions.cached_usd, versions.completion_usd)
    )::decimal(19, 9) as high_usd_per_million -- the same with nothing cached and as many completions as were measured
from versions
cross join shares
where versions.is_billed_by_token and versions.prompt_usd is not null and versions.completion_usd is not null
