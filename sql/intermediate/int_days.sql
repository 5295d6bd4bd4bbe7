-- One row a calendar day from the first loaded day of the rankings to the newest, loaded or not.
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
        any_value(is_provisional) as is_provisional,
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
    from staging.stg_models
    where is_whole
)

select
    calendar.date, -- UTC day
    (calendar.date - min(calendar.date) over ())::integer as day_number, -- days since the first loaded day
    loaded.date is not null as is_loaded, -- rows of the day are held
    loaded.total_tokens, -- tokens of all public traffic, `other` included
    loaded.other_tokens, -- tokens below rank 50; 0 where the source lists no `other`
    loaded.cutoff_tokens, -- tokens of the smallest listed model; 0 on a day without `other`
    loaded.is_provisional,
    loaded.as_of, -- instant (UTC) as of which the source states the figures
    loaded.source,
    catalogues.date is not null as has_catalogue -- a models catalogue of the day is held
from calendar
left join loaded on calendar.date = loaded.date
left join catalogues on calendar.date = catalogues.date
