-- Growth of token use, defined once for every dimension. A model below rank 50 is below the cut-off, not zero: where
-- a window holds such a day its point value is null and the bounds say what is known. A day that was not loaded has
-- no rows, and a window that contains it, or begins before the data, is null in point, bounds and contribution.
-- grain: dimension, entity, date
-- check: tokens_7d_low <= tokens_7d_high
-- check: tokens_28d_low <= tokens_28d_high
-- check: tokens_7d = tokens_7d_low or is_censored
-- check: growth_7d_pct between growth_7d_low_pct - 1e-9 and growth_7d_high_pct + 1e-9
-- check: growth_7d_low_pct <= growth_7d_high_pct + 1e-9
with cumulative as (
    select
        entity_id,
        day_number,
        total_tokens,
        is_unlisted,
        sum(low_tokens) over to_date::bigint as low_tokens,
        sum(high_tokens) over to_date::bigint as high_tokens,
        sum(is_unlisted::integer) over to_date::bigint as unlisted_days
    from intermediate.int_entity_days
    window to_date as (partition by entity_id order by day_number)
),

-- A window is the difference of two cumulative sums; before its series an entity has nothing to subtract.
windows as (
    select
        entity_id,
        day_number,
        total_tokens,
        is_unlisted,
        low_tokens - lag(low_tokens, 7, 0) over series as low_7d,
        high_tokens - lag(high_tokens, 7, 0) over series as high_7d,
        unlisted_days - lag(unlisted_days, 7, 0) over series as unlisted_7d,
        low_tokens - lag(low_tokens, 28, 0) over series as low_28d,
        high_tokens - lag(high_tokens, 28, 0) over series as high_28d,
        unlisted_days - lag(unlisted_days, 28, 0) over series as unlisted_28d
    from cumulative
    window series as (partition by entity_id order by day_number)
),

-- Only windows of loaded days count; the point value is known where no day of the window is censored.
measured as (
    select
        windows.entity_id,
        windows.day_number,
        windows.total_tokens,
        windows.is_unlisted,
        windows.unlisted_7d > 0 as is_censored,
        100 * windows.total_tokens::double / nullif(days.total_tokens, 0) as share_pct,
        ranks.rank,
        if(days.has_7d, windows.low_7d, null) as tokens_7d_low,
        if(days.has_7d, windows.high_7d, null) as tokens_7d_high,
        if(days.has_7d and windows.unlisted_7d = 0, windows.low_7d, null) as tokens_7d,
        if(days.has_28d, windows.low_28d, null) as tokens_28d_low,
        if(days.has_28d, windows.high_28d, null) as tokens_28d_high,
        if(days.has_28d and windows.unlisted_28d = 0, windows.low_28d, null) as tokens_28d
    from windows
    inner join intermediate.int_days as days on windows.day_number = days.day_number
    left join intermediate.int_ranks as ranks
        on windows.entity_id = ranks.entity_id and windows.day_number = ranks.day_number
),

compared as (
    select
        *,
        lag(total_tokens, 1) over series as total_tokens_1d_ago,
        lag(is_unlisted, 1) over series as is_unlisted_1d_ago,
        lag(rank, 7) over series as rank_7d_ago,
        lag(share_pct, 7) over series as share_7d_ago_pct,
        lag(is_censored, 7, false) over series as is_censored_7d_ago,
        lag(tokens_7d, 7) over series as tokens_7d_7d_ago,
        lag(tokens_7d_low, 7) over series as tokens_7d_low_7d_ago,
        lag(tokens_7d_high, 7) over series as tokens_7d_high_7d_ago,
        lag(tokens_28d, 28) over series as tokens_28d_28d_ago,
        lag(tokens_7d, 364) over series as tokens_7d_364d_ago
    from measured
    window series as (partition by entity_id order by day_number)
),

total as (
    select
        compared.day_number,
        compared.tokens_7d_7d_ago
    from compared
    inner join intermediate.int_entities as entities on compared.entity_id = entities.entity_id
    where entities.dimension = 'total'
)

select
    entities.dimension, -- total, author, model or variant
    entities.entity, -- `all`, `other` (all models below rank 50), an author, a model or a variant
    days.date, -- UTC day
    compared.total_tokens, -- what is listed of the entity on the day; null where nothing is
    compared.tokens_7d, -- tokens of the 7 days that end on the day; null where is_censored
    compared.tokens_7d_low, -- at least
    compared.tokens_7d_high, -- at most
    compared.tokens_28d, -- tokens of the 28 days that end on the day; null where one of them is censored
    compared.tokens_28d_low, -- at least
    compared.tokens_28d_high, -- at most
    if(
        compared.is_unlisted or compared.is_unlisted_1d_ago,
        null,
        100 * (compared.total_tokens / nullif(compared.total_tokens_1d_ago, 0) - 1)
    ) as growth_1d_pct, -- against the day before; swings with the weekday
    100 * (compared.tokens_7d / nullif(compared.tokens_7d_7d_ago, 0) - 1) as growth_7d_pct, -- week on week
    100 * (compared.tokens_7d_low / nullif(compared.tokens_7d_high_7d_ago, 0) - 1)
        as growth_7d_low_pct, -- at least
    100 * (compared.tokens_7d_high / nullif(compared.tokens_7d_low_7d_ago, 0) - 1)
        as growth_7d_high_pct, -- at most; null where unbounded
    100 * (compared.tokens_28d / nullif(compared.tokens_28d_28d_ago, 0) - 1)
        as growth_28d_pct, -- four weeks on the four weeks before
    100 * (compared.tokens_7d / nullif(compared.tokens_7d_364d_ago, 0) - 1)
        as growth_364d_pct, -- the week on the same week a year (52 weeks) earlier
    if(
        days.has_14d,
        100 * (compared.tokens_7d_low - coalesce(compared.tokens_7d_low_7d_ago, 0))::double
        / nullif(total.tokens_7d_7d_ago, 0),
        null
    ) as contribution_7d_pp, -- part of the total's week-on-week growth; adds up over a dimension, `other` included
    compared.share_pct, -- of all tokens of the day; null where nothing is listed
    compared.share_pct - compared.share_7d_ago_pct as share_change_7d_pp, -- against the day a week earlier
    compared.rank, -- position on the day by what is listed; null for `all` and `other`
    compared.rank_7d_ago - compared.rank as rank_change_7d, -- against the day a week earlier; positive is up
    compared.total_tokens - compared.total_tokens_1d_ago as delta_1d_tokens, -- change of what is listed
    days.is_provisional_7d as is_provisional, -- a day of the 7 may still be restated
    compared.is_censored, -- on a day of the 7 the entity, or a known model of it, is not listed
    compared.is_censored or compared.is_censored_7d_ago as is_growth_7d_censored -- in either week
from compared
inner join intermediate.int_entities as entities on compared.entity_id = entities.entity_id
inner join intermediate.int_days as days on compared.day_number = days.day_number
left join total on compared.day_number = total.day_number
where days.is_loaded and days.date >= entities.first_listed_date
