-- OpenRouter's list of trending apps by day of retrieval, next to the same figures out of the daily app rankings. By
-- its documentation an app is ranked by its excess: the tokens of the window less the mean of the three windows of
-- equal length before it; apps without an excess are not listed.
-- grain: date, app_id
-- check: window_start_date <= window_end_date
with lists as (
    select
        date,
        app_id,
        app_name,
        rank,
        window_start_date,
        window_end_date,
        window_end_date - window_start_date + 1 as window_days,
        total_tokens
    from staging.stg_app_trending
),

whole_days as (
    select
        apps.date,
        apps.app_id,
        apps.total_tokens,
        apps.is_provisional
    from marts.fct_app_tokens_daily as apps
    inner join marts.fct_app_residual_daily as days on apps.date = days.date
    where days.is_whole
),

windows as (
    select
        lists.date,
        lists.app_id,
        count(*) = 4 * any_value(lists.window_days) as is_comparable,
        sum(if(whole_days.date >= lists.window_start_date, whole_days.total_tokens, 0))::bigint as window_tokens,
        sum(if(whole_days.date < lists.window_start_date, whole_days.total_tokens, 0))::bigint as earlier_tokens,
        bool_or(whole_days.is_provisional) as is_provisional
    from lists
    inner join whole_days
        on
            lists.app_id = whole_days.app_id
            and whole_days.date between
            lists.window_start_date - (3 * lists.window_days)::integer and lists.window_end_date
    group by lists.date, lists.app_id
),

comparable as (
    select
        date,
        app_id,
        window_tokens,
        (3 * window_tokens - earlier_tokens)::double / 3 as excess_tokens,
        is_provisional
    from windows
    where is_comparable
)

select
    lists.date, -- UTC day of retrieval
    lists.app_id,
    lists.app_name, -- display name at retrieval
    lists.rank, -- OpenRouter's rank, by excess
    lists.window_start_date,
    lists.window_end_date,
    lists.total_tokens, -- tokens of the whole window by OpenRouter's list
    comparable.window_tokens as our_total_tokens, -- the same by the daily app rankings; null where not comparable
    comparable.excess_tokens
        as our_excess_tokens, -- our_total_tokens less the mean of the three windows before; null where not comparable
    comparable.app_id is not null
        as is_comparable, -- the daily rankings list the app on every day of the four windows, and are whole
    coalesce(comparable.is_provisional, false) as is_provisional -- a day of ours that was added may still be restated
from lists
left join comparable on lists.date = comparable.date and lists.app_id = comparable.app_id
