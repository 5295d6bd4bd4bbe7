-- Each entity's windows of 7 and 28 days that end on each loaded day of its series, and those before them. A window
-- that holds a day that was not loaded is null; a point value is null where something is unlisted in the window.
-- grain: entity_id, day_number
with cumulative as (
    select
        entity_id,
        day_number,
        total_tokens,
        is_unlisted,
        sum(low_tokens) over to_date::bigint as low_to_date,
        sum(high_tokens) over to_date::bigint as high_to_date,
        sum(is_unlisted::integer) over to_date::bigint as unlisted_to_date
    from intermediate.int_entity_days
    window to_date as (partition by entity_id order by day_number)
),

-- A series has no gaps, so that rows back are days back. Before its series an entity has nothing to subtract.
earlier as (
    select
        cumulative.*,
        ranks.rank,
        lag(ranks.rank, 7) over series as rank_7d_ago,
        lag(cumulative.total_tokens, 1) over series as total_tokens_1d_ago,
        lag(cumulative.is_unlisted, 1) over series as is_unlisted_1d_ago,
        lag(cumulative.total_tokens, 7) over series as total_tokens_7d_ago,
        lag(cumulative.low_to_date, 7, 0) over series as low_to_7d_ago,
        lag(cumulative.low_to_date, 14, 0) over series as low_to_14d_ago,
        lag(cumulative.low_to_date, 28, 0) over series as low_to_28d_ago,
        lag(cumulative.low_to_date, 56, 0) over series as low_to_56d_ago,
        lag(cumulative.low_to_date, 364, 0) over series as low_to_364d_ago,
        lag(cumulative.low_to_date, 371, 0) over series as low_to_371d_ago,
        lag(cumulative.high_to_date, 7, 0) over series as high_to_7d_ago,
        lag(cumulative.high_to_date, 14, 0) over series as high_to_14d_ago,
        lag(cumulative.high_to_date, 28, 0) over series as high_to_28d_ago,
        lag(cumulative.high_to_date, 56, 0) over series as high_to_56d_ago,
        lag(cumulative.unlisted_to_date, 7, 0) over series as unlisted_to_7d_ago,
        lag(cumulative.unlisted_to_date, 14, 0) over series as unlisted_to_14d_ago,
        lag(cumulative.unlisted_to_date, 28, 0) over series as unlisted_to_28d_ago,
        lag(cumulative.unlisted_to_date, 56, 0) over series as unlisted_to_56d_ago,
        lag(cumulative.unlisted_to_date, 364, 0) over series as unlisted_to_364d_ago,
        lag(cumulative.unlisted_to_date, 371, 0) over series as unlisted_to_371d_ago
    from cumulative
    left join intermediate.int_ranks as ranks
        on cumulative.entity_id = ranks.entity_id and cumulative.day_number = ranks.day_number
    window series as (partition by cumulative.entity_id order by cumulative.day_number)
)

select
    earlier.entity_id, -- row of int_entities
    earlier.day_number, -- row of int_board_days, of a loaded day
    earlier.total_tokens, -- what is listed on the day; null where nothing is
    earlier.rank, -- position on the day by what is listed; null where nothing is, for `all` and for `other`
    earlier.rank_7d_ago, -- a week earlier
    earlier.total_tokens_1d_ago, -- the day before
    earlier.total_tokens_7d_ago, -- a week earlier
    earlier.is_unlisted or earlier.is_unlisted_1d_ago as is_unlisted_2d, -- something is unlisted on one of two days
    earlier.unlisted_to_date > earlier.unlisted_to_7d_ago as is_censored_7d, -- something is unlisted on a day of the 7
    earlier.unlisted_to_7d_ago > earlier.unlisted_to_14d_ago as is_censored_7d_before, -- of the 7 days before them
    earlier.unlisted_to_date > earlier.unlisted_to_28d_ago as is_censored_28d, -- of the 28 days
    earlier.unlisted_to_28d_ago > earlier.unlisted_to_56d_ago as is_censored_28d_before, -- of the 28 days before them
    earlier.unlisted_to_364d_ago > earlier.unlisted_to_371d_ago as is_censored_7d_year_before, -- of the 7 a year before
    case when days.has_7d then earlier.low_to_date - earlier.low_to_7d_ago end as low_7d, -- at least, in the 7 days
    case when days.has_7d then earlier.high_to_date - earlier.high_to_7d_ago end as high_7d, -- at most
    case when days.has_7d_before then earlier.low_to_7d_ago - earlier.low_to_14d_ago end
        as low_7d_before, -- at least, in the 7 days before them
    case when days.has_7d_before then earlier.high_to_7d_ago - earlier.high_to_14d_ago end as high_7d_before, -- at most
    case when days.has_28d then earlier.low_to_date - earlier.low_to_28d_ago end as low_28d, -- at least, in the 28 days
    case when days.has_28d then earlier.high_to_date - earlier.high_to_28d_ago end as high_28d, -- at most
    case when days.has_28d_before then earlier.low_to_28d_ago - earlier.low_to_56d_ago end
        as low_28d_before, -- at least, in the 28 days before them
    case when days.has_28d_before then earlier.high_to_28d_ago - earlier.high_to_56d_ago end
        as high_28d_before, -- at most
    case when days.has_7d_year_before then earlier.low_to_364d_ago - earlier.low_to_371d_ago end
        as low_7d_year_before -- at least, in the 7 days 364 days earlier
from earlier
inner join intermediate.int_entities as entities on earlier.entity_id = entities.entity_id
inner join intermediate.int_board_days as days
    on entities.board = days.board and earlier.day_number = days.day_number
where days.is_loaded and earlier.day_number >= entities.first_listed_day
