-- The rankings pages that were read, with the last day that their windows hold. A page that lists no use on the day
-- before it was saved came out of a cache, or its time of saving is stated too late: its windows end earlier.
-- grain: captured_at
with readings as (
    select
        captured_at,
        load_id
    from raw.page_models
    union
    select
        captured_at,
        load_id
    from raw.page_charts
    union
    select
        captured_at,
        load_id
    from raw.page_apps
),

captures as (
    select
        readings.captured_at,
        bool_or(loads.origin is null) as is_fetched
    from readings
    inner join meta.loads as loads on readings.load_id = loads.load_id
    group by readings.captured_at
),

uses as (
    select
        captured_at,
        max(last_active_date) as last_active_date
    from staging.stg_page_models
    group by captured_at
)

select
    captures.captured_at,
    captures.captured_at::date as capture_date, -- UTC day on which it was saved
    captures.is_fetched, -- the pipeline fetched it itself; else it was imported
    least(captures.captured_at::date - 1, coalesce(uses.last_active_date, captures.captured_at::date - 1))
        as window_end_date -- last complete UTC day that the page counts
from captures
left join uses on captures.captured_at = uses.captured_at
