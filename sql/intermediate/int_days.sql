-- One row a calendar day from the first loaded day to the newest, with what is known of its windows.
-- A day that was not loaded makes every window null that contains it.
-- grain: date
with loaded as (
    select
        date,
        sum(total_tokens)::bigint as total_tokens,
        coalesce(sum(total_tokens) filter (where model_permaslug = 'other'), 0)::bigint as other_tokens,
        case
            when bool_or(model_permaslug = 'other')
                then coalesce(min(total_tokens) filter (where model_permaslug <> 'other'), 0)
            else 0
        end as cutoff_tokens,
        date >= any_value(as_of)::date - 1 as is_provisional,
        any_value(as_of) as as_of,
        any_value(source) as source
    from staging.stg_rankings_daily
    group by date
),

calendar as (
    select unnest(generate_series(min(date), max(date), interval 1 day))::date as date
    from loaded
),

catalogues as (
    select distinct date
    from intermediate.int_catalogue_days
)

select
    calendar.date, -- UTC day
    (calendar.date - min(calendar.date) over ())::integer as day_number, -- days since the first loaded day
    loaded.date is not null as is_loaded, -- rows of the day are held
    loaded.total_tokens, -- tokens of all public traffic, `other` included
    loaded.other_tokens, -- tokens below rank 50; 0 where the source lists no `other`
    loaded.cutoff_tokens, -- tokens of the smallest listed model; 0 on a day without `other`
    loaded.is_provisional, -- as_of is less than two days after the day's start: a restatement is likely
    loaded.as_of, -- instant (UTC) as of which the source states the figures
    loaded.source, -- where they come from
    catalogues.date is not null as has_catalogue, -- a models catalogue of the day is held
    lag(loaded.total_tokens, 7) over days as total_tokens_7d_ago, -- total_tokens a week earlier
    case when count(loaded.date) over week_before = 7 then sum(loaded.total_tokens) over week_before end::bigint
        as tokens_7d_7d_ago, -- tokens of all public traffic in the 7 days before the last 7; null unless all are loaded
    count(loaded.date) over week = 7 as has_7d, -- the window of 7 days is loaded
    count(loaded.date) over week_before = 7 as has_7d_7d_ago, -- the window before it is
    count(loaded.date) over week_a_year_before = 7 as has_7d_364d_ago, -- the window 364 days earlier is
    count(loaded.date) over four_weeks = 28 as has_28d, -- the window of 28 days is loaded
    count(loaded.date) over four_weeks_before = 28 as has_28d_28d_ago, -- the window before it is
    coalesce(bool_or(loaded.is_provisional) over week, false) as is_provisional_7d -- a day of the 7 is
from calendar
left join loaded on calendar.date = loaded.date
left join catalogues on calendar.date = catalogues.date
window
    days as (order by calendar.date),
    week as (order by calendar.date rows between 6 preceding and current row),
    week_before as (order by calendar.date rows between 13 preceding and 7 preceding),
    week_a_year_before as (order by calendar.date rows between 370 preceding and 364 preceding),
    four_weeks as (order by calendar.date rows between 27 preceding and current row),
    four_weeks_before as (order by calendar.date rows between 55 preceding and 28 preceding)
