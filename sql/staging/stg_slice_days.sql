-- Which answer is current for each slice and day: what the pipeline fetched wins over what was imported, then the
-- newest as_of. A day between others of an answer counts as held where it has no rows: models without tokens are not
-- listed, so that nobody used the slice on that day.
-- grain: dimension, slice, date
with answers as (
    select
        rankings.dimension,
        rankings.slice,
        rankings.load_id,
        any_value(rankings.as_of) as as_of,
        any_value(rankings.fetched_at) as fetched_at,
        any_value(loads.origin is null) as is_fetched,
        min(rankings.date) as first_date,
        max(rankings.date) as last_date
    from raw.rankings_filtered_daily as rankings
    inner join meta.loads as loads on rankings.load_id = loads.load_id
    group by rankings.dimension, rankings.slice, rankings.load_id
),

answered_days as (
    select
        dimension,
        slice,
        unnest(generate_series(first_date, last_date, interval 1 day))::date as date,
        load_id,
        as_of,
        fetched_at,
        is_fetched
    from answers
)

select
    dimension,
    slice, -- its value
    date,
    load_id, -- row of meta.loads
    as_of,
    date >= as_of::date - 1 as is_provisional -- as_of is on the day after, or before: may be restated
from answered_days
qualify row_number() over (
    partition by dimension, slice, date
    order by is_fetched desc, as_of desc, fetched_at desc, load_id desc
) = 1
