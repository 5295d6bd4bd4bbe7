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
        sum(low_tokens) over to_date::bigint as low,
        sum(high_tokens) over to_date::bigint as high,
        sum(is_unlisted::integer) over to_date::bigint as unlisted
    from intermediate.int_entity_days
    window to_date as (partition by entity_id order by day_number)
),

-- A series has no gaps, so that rows back are days back. Before its series an entity has nothing to subtract.
earlier as (
    select
        cumulative.*,
        ranks.rank,
        lag(cumulative.total_tokens, 1) over series as total_tokens_1d_ago,
        lag(cumulative.is_unlisted, 1) over series as is_unlisted_1d_ago,
        lag(cumulative.total_tokens, 7) over series as total_tokens_7d_ago,
        lag(ranks.rank, 7) over series as rank_7d_ago,
        lag(cumulative.low, 7, 0) over series as low_7d_ago,
        lag(cumulative.low, 14, 0) over series as low_14d_ago,
        lag(cumulative.low, 28, 0) over series as low_28d_ago,
        lag(cumulative.low, 56, 0) over series as low_56d_ago,
        lag(cumulative.low, 364, 0) over series as low_364d_ago,
        lag(cumulative.low, 371, 0) over series as low_371d_ago,
        lag(cumulative.high, 7, 0) over series as high_7d_ago,
        lag(cumulative.high, 14, 0) over series as high_14d_ago,
        lag(cumulative.high, 28, 0) over series as high_28d_ago,
        lag(cumulative.unlisted, 7, 0) over series as unlisted_7d_ago,
        lag(cumulative.unlisted, 14, 0) over series as unlisted_14d_ago,
        lag(cumulative.unlisted, 28, 0) over series as unlisted_28d_ago,
        lag(cumulative.unlisted, 56, 0) over series as unlisted_56d_ago,
        lag(cumulative.unlisted, 364, 0) over series as unlisted_364d_ago,
        lag(cumulative.unlisted, 371, 0) over series as unlisted_371d_ago
    from cumulative
    left join intermediate.int_ranks as ranks
        on cumulative.entity_id = ranks.entity_id and cumulative.day_number = ranks.day_number
    window series as (partition by cumulative.entity_id order by cumulative.day_number)
),

-- A window is the difference of two cumulative sums. Only windows of loaded days count, and their point value is
-- known where nothing is unlisted in them.
compared as (
    select
        earlier.entity_id,
        earlier.total_tokens,
        earlier.total_tokens_1d_ago,
        earlier.is_unlisted or earlier.is_unlisted_1d_ago as is_unlisted_2d,
        earlier.rank,
        earlier.rank_7d_ago,
        days.date,
        days.is_provisional_7d,
        days.tokens_7d_7d_ago as total_tokens_7d_7d_ago,
        100 * earlier.total_tokens::double / nullif(days.total_tokens, 0) as share_pct,
        100 * earlier.total_tokens_7d_ago::double / nullif(days.total_tokens_7d_ago, 0) as share_7d_ago_pct,
        earlier.unlisted > earlier.unlisted_7d_ago as is_censored,
        earlier.unlisted_7d_ago > earlier.unlisted_14d_ago as is_censored_7d_ago,
        case when days.has_7d then earlier.low - earlier.low_7d_ago end as tokens_7d_low,
        case when days.has_7d then earlier.high - earlier.high_7d_ago end as tokens_7d_high,
        case when days.has_28d then earlier.low - earlier.low_28d_ago end as tokens_28d_low,
        case when days.has_28d then earlier.high - earlier.high_28d_ago end as tokens_28d_high,
        case when days.has_7d_7d_ago then earlier.low_7d_ago - earlier.low_14d_ago end as tokens_7d_low_7d_ago,
        case when days.has_7d_7d_ago then earlier.high_7d_ago - earlier.high_14d_ago end as tokens_7d_high_7d_ago,
        case
            when days.has_7d and earlier.unlisted = earlier.unlisted_7d_ago
                then earlier.low - earlier.low_7d_ago
        end as tokens_7d,
        case
            when days.has_7d_7d_ago and earlier.unlisted_7d_ago = earlier.unlisted_14d_ago
                then earlier.low_7d_ago - earlier.low_14d_ago
        end as tokens_7d_7d_ago,
        case
            when days.has_7d_364d_ago and earlier.unlisted_364d_ago = earlier.unlisted_371d_ago
                then earlier.low_364d_ago - earlier.low_371d_ago
        end as tokens_7d_364d_ago,
        case
            when days.has_28d and earlier.unlisted = earlier.unlisted_28d_ago
                then earlier.low - earlier.low_28d_ago
        end as tokens_28d,
        case
            when days.has_28d_28d_ago and earlier.unlisted_28d_ago = earlier.unlisted_56d_ago
                then earlier.low_28d_ago - earlier.low_56d_ago
        end as tokens_28d_28d_ago
    from earlier
    inner join intermediate.int_days as days on earlier.day_number = days.day_number
    where days.is_loaded
)

select
    entities.dimension, -- total, author, model or variant
    entities.entity, -- `all`, `other` (all models below rank 50), an author, a model or a variant
    compared.date, -- UTC day
    compared.total_tokens, -- what is listed of the entity on the day; null where nothing is
    compared.tokens_7d, -- tokens of the 7 days that end on the day; null where is_censored
    compared.tokens_7d_low, -- at least
    compared.tokens_7d_high, -- at most
    compared.tokens_28d, -- tokens of the 28 days that end on the day; null where one of them is censored
    compared.tokens_28d_low, -- at least
    compared.tokens_28d_high, -- at most
    if(
        compared.is_unlisted_2d,
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
    100 * (compared.tokens_7d_low - compared.tokens_7d_low_7d_ago)::double
    / nullif(compared.total_tokens_7d_7d_ago, 0)
        as contribution_7d_pp, -- part of the total's week-on-week growth; adds up over a dimension, `other` included
    compared.share_pct, -- of all tokens of the day; null where nothing is listed
    compared.share_pct - compared.share_7d_ago_pct as share_change_7d_pp, -- against the day a week earlier
    compared.rank, -- position on the day by what is listed; null for `all` and `other`
    compared.rank_7d_ago - compared.rank as rank_change_7d, -- against the day a week earlier; positive is up
    compared.total_tokens - compared.total_tokens_1d_ago as delta_1d_tokens, -- change of what is listed
    compared.is_provisional_7d as is_provisional, -- a day of the 7 may still be restated
    compared.is_censored, -- on a day of the 7 the entity, or a known model of it, is not listed
    compared.is_censored or compared.is_censored_7d_ago as is_growth_7d_censored -- in either week
from compared
inner join intermediate.int_entities as entities on compared.entity_id = entities.entity_id
where compared.date >= entities.first_listed_date
