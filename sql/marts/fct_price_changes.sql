-- Changes of list prices next to what became of the model's use: its growth from the 7 or 28 days before to those from
-- the day on, against that of all other traffic in the same weeks. The arc elasticity sets the one against the other:
-- an association, not an effect. Changes are few, they come with launches, promotions and news, makers cut prices of
-- models whose use already falls or jumps, and what was unusually high or low before returns towards its mean anyway.
-- The changes are those of fct_events; one of the price of a cache read alone is none. Prices are the blended ones of
-- fct_spend_daily. Growth is as in fct_token_growth_daily: no point value where the model is not listed on a day of the
-- windows, but bounds; null where a day is not loaded, or not yet.
-- grain: date, model_permaslug, window_days
-- check: window_days in (7, 28)
-- check: growth_pct between growth_low_pct - 1e-9 and growth_high_pct + 1e-9
-- check: arc_elasticity is null or not is_censored
with windows as (
    select
        events.date,
        events.entity as model_permaslug,
        sizes.window_days,
        events.date + sizes.window_days - 1 as last_date
    from marts.fct_events as events
    cross join (values (7), (28)) as sizes (window_days)
    where events.kind = 'price_change'
),

priced as (
    select
        windows.*,
        earlier.mid_usd_per_million as usd_before,
        later.mid_usd_per_million as usd_after
    from windows
    left join intermediate.int_token_prices as later
        on windows.model_permaslug = later.model_permaslug and windows.date = later.known_from_date
    left join intermediate.int_token_prices as earlier
        on windows.model_permaslug = earlier.model_permaslug and windows.date - 1 = earlier.last_date
),

compared as (
    select
        priced.date,
        priced.model_permaslug,
        priced.window_days,
        priced.usd_before,
        priced.usd_after,
        ln(nullif(priced.usd_after, 0)::double / nullif(priced.usd_before, 0)::double) as log_price_change,
        if(priced.window_days = 7, own.tokens_7d_low, own.tokens_28d_low) as tokens_after,
        if(priced.window_days = 7, own.delta_7d_tokens, own.delta_28d_tokens) as delta_tokens,
        if(priced.window_days = 7, own.growth_7d_pct, own.growth_28d_pct) as growth_pct,
        if(priced.window_days = 7, own.growth_7d_low_pct, own.growth_28d_low_pct) as growth_low_pct,
        if(priced.window_days = 7, own.growth_7d_high_pct, own.growth_28d_high_pct) as growth_high_pct,
        if(priced.window_days = 7, everything.tokens_7d, everything.tokens_28d) as total_after,
        if(priced.window_days = 7, everything.delta_7d_tokens, everything.delta_28d_tokens) as total_delta,
        if(priced.window_days = 7, own.is_growth_7d_provisional, own.is_growth_28d_provisional) as is_provisional
    from priced
    left join marts.fct_token_growth_daily as own
        on priced.model_permaslug = own.entity and priced.last_date = own.date and own.dimension = 'model'
    left join marts.growth_total as everything on priced.last_date = everything.date
),

-- What else happened to the author's models in the two windows.
news as (
    select
        windows.date,
        windows.model_permaslug,
        windows.window_days,
        coalesce(
            bool_or(split_part(events.entity, ':', 1) = split_part(windows.model_permaslug, ':', 1)), false
        ) as has_own_news,
        count(events.date) > 0 as has_author_news
    from windows
    left join marts.fct_events as events
        on
            events.date between windows.date - windows.window_days and windows.last_date
            and events.dimension = 'model'
            and split_part(windows.model_permaslug, '/', 1) = split_part(events.entity, '/', 1)
            and (
                events.kind in ('launch', 'free_launch', 'free_end', 'free_to_paid')
                or (
                    events.kind = 'price_change'
                    and windows.model_permaslug = events.entity
                    and windows.date <> events.date
                )
            )
    group by windows.date, windows.model_permaslug, windows.window_days
),

relative as (
    select
        compared.*,
        news.has_own_news,
        news.has_author_news,
        compared.tokens_after - compared.delta_tokens as tokens_before,
        compared.total_after - compared.tokens_after as others_after,
        compared.total_after - compared.total_delta - compared.tokens_after + compared.delta_tokens as others_before
    from compared
    inner join news
        on
            compared.date = news.date
            and compared.model_permaslug = news.model_permaslug
            and compared.window_days = news.window_days
)

select
    date, -- UTC day of the first catalogue with the new price
    model_permaslug,
    window_days, -- 7 or 28: days before the change, and days from it on, that are compared
    usd_before::double as usd_per_million_before, -- blended price of a million tokens before; null where there was none
    usd_after::double as usd_per_million_after, -- the same from the day on
    100 * (usd_after::double / nullif(usd_before::double, 0) - 1) as price_change_pct, -- null where it was 0
    log_price_change, -- natural logarithm of the new price to the old one; null where one of them is 0
    tokens_before, -- tokens listed of the model in the days before
    tokens_after, -- the same in the days from the day on
    growth_pct, -- of the model, the one window on the other; null where is_censored
    growth_low_pct, -- at least
    growth_high_pct, -- at most; null where unbounded
    100 * (others_after / nullif(others_before, 0) - 1) as others_growth_pct, -- of all other traffic, same windows
    case
        when growth_pct is not null and tokens_after > 0
            then ln(tokens_after / tokens_before) - ln(nullif(others_after, 0) / nullif(others_before, 0))
    end as log_relative_growth, -- log growth of the model less that of all other traffic; null where is_censored
    log_relative_growth / nullif(log_price_change, 0)
        as arc_elasticity, -- log_relative_growth to log_price_change: below 0 where the cheaper one was used more
    tokens_after is not null and growth_pct is null
        as is_censored, -- the model is not listed on a day of the windows: tokens are lower bounds, or 0 before
    has_own_news, -- launch, free launch, free end, hand-over or other price change of the model within the windows
    has_author_news, -- the same of any model of its author
    is_provisional -- a day of the windows may still be restated; null where the windows are not complete
from relative
