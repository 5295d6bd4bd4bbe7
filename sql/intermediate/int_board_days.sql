-- What is known of each board on each calendar day, and of its windows: a day that was not loaded makes every window
-- null that contains it. What a board does not list is its `other`, so that each board's whole is all public traffic.
-- grain: board, day_number
with loaded as (
    select
        'rankings' as board,
        date,
        total_tokens,
        other_tokens,
        cutoff_tokens,
        is_provisional
    from intermediate.int_days
    where is_loaded
    union all
    select
        'apps' as board,
        date,
        total_tokens,
        residual_tokens as other_tokens,
        cutoff_tokens,
        is_provisional
    from intermediate.int_app_days
    where residual_tokens is not null
    union all
    select
        slices.board,
        slices.date,
        any_value(days.total_tokens) as total_tokens,
        (any_value(days.total_tokens) - sum(slices.total_tokens))::bigint as other_tokens,
        0 as cutoff_tokens,
        bool_or(days.is_provisional or slices.is_provisional) as is_provisional
    from intermediate.int_slice_days as slices
    inner join intermediate.int_days as days on slices.date = days.date and days.is_loaded
    group by slices.board, slices.date
    having count(*) = 5
),

boards as (
    select distinct board
    from loaded
),

calendar as (
    select
        boards.board,
        days.date,
        days.day_number,
        days.has_catalogue
    from intermediate.int_days as days
    cross join boards
)

select
    calendar.board, -- rankings, apps, contexts or modalities
    calendar.date,
    calendar.day_number, -- row of int_days
    loaded.date is not null as is_loaded, -- the whole list of the day is held, and the day's total
    calendar.has_catalogue,
    loaded.total_tokens, -- tokens of all public traffic
    loaded.other_tokens, -- of these, what the board does not list
    loaded.cutoff_tokens, -- what an unlisted item has at most; 0 where the board lists all
    coalesce(loaded.is_provisional, false) as is_provisional, -- the day may still be restated
    lag(loaded.total_tokens, 7) over days as total_tokens_7d_ago, -- total_tokens a week earlier
    case when count(loaded.date) over week = 7 then sum(loaded.total_tokens) over week end::bigint
        as total_7d, -- tokens of all traffic in the last 7 days; null unless all are loaded
    case when count(loaded.date) over week_before = 7 then sum(loaded.total_tokens) over week_before end::bigint
        as total_7d_before, -- the same of the 7 days before the last 7
    case when count(loaded.date) over four_weeks_before = 28 then sum(loaded.total_tokens) over four_weeks_before end
    ::bigint as total_28d_before, -- the same of the 28 days before the last 28
    count(loaded.date) over week = 7 as has_7d, -- the window of 7 days is loaded
    count(loaded.date) over week_before = 7 as has_7d_before, -- the window before it is
    count(loaded.date) over week_a_year_before = 7 as has_7d_year_before, -- the window 364 days earlier is
    count(loaded.date) over four_weeks = 28 as has_28d, -- the window of 28 days is loaded
    count(loaded.date) over four_weeks_before = 28 as has_28d_before, -- the window before it is
    coalesce(bool_or(loaded.is_provisional) over week, false) as is_provisional_7d, -- a day of the 7 is
    coalesce(bool_or(loaded.is_provisional) over two_weeks, false) as is_provisional_14d, -- a day of the 14 is
    coalesce(bool_or(loaded.is_provisional) over eight_weeks, false) as is_provisional_56d -- a day of the 56 is
from calendar
left join loaded on calendar.board = loaded.board and calendar.date = loaded.date
window
    days as (partition by calendar.board order by calendar.date),
    week as (partition by calendar.board order by calendar.date rows between 6 preceding and current row),
    two_weeks as (partition by calendar.board order by calendar.date rows between 13 preceding and current row),
    eight_weeks as (partition by calendar.board order by calendar.date rows between 55 preceding and current row),
    week_before as (partition by calendar.board order by calendar.date rows between 13 preceding and 7 preceding),
    week_a_year_before as (
        partition by calendar.board order by calendar.date rows between 370 preceding and 364 preceding
    ),
    four_weeks as (partition by calendar.board order by calendar.date rows between 27 preceding and current row),
    four_weeks_before as (
        partition by calendar.board order by calendar.date rows between 55 preceding and 28 preceding
    )
