-- The current vintage of each slice and day, which replaces the whole day, slugs that it lacks too.
-- grain: dimension, slice, date, model_permaslug
-- check: total_tokens >= 0
select
    days.dimension,
    days.slice, -- its value
    days.date,
    rankings.model_permaslug, -- permanent slug with `:variant`; `other` is the slice's rest
    rankings.total_tokens, -- prompt and completion tokens
    days.as_of, -- instant (UTC) as of which the source states them
    days.is_provisional
from staging.stg_slice_days as days
inner join raw.rankings_filtered_daily as rankings
    on
        days.dimension = rankings.dimension
        and days.slice = rankings.slice
        and days.date = rankings.date
        and days.load_id = rankings.load_id
