-- The current vintage of each slice and week, which replaces the whole week, slugs that it lacks too. What the pipeline
-- fetched wins over what was imported, then the newest as_of.
-- grain: dimension, slice, week_start_date, model_permaslug
-- check: estimated_tokens >= 0
-- check: isodow(week_start_date) = 1
with vintages as (
    select
        rankings.dimension,
        rankings.slice,
        rankings.week_start_date,
        arg_max(
            rankings.load_id, (loads.origin is null, rankings.as_of, rankings.fetched_at, rankings.load_id)
        ) as load_id
    from raw.rankings_estimates_weekly as rankings
    inner join meta.loads as loads on rankings.load_id = loads.load_id
    group by rankings.dimension, rankings.slice, rankings.week_start_date
)

select
    rankings.dimension,
    rankings.slice, -- its value
    rankings.week_start_date,
    rankings.model_permaslug, -- permanent slug with `:variant`; `other` is the slice's rest
    rankings.total_tokens as estimated_tokens, -- prompt and completion tokens, scaled up from a sample
    rankings.as_of -- instant (UTC) as of which the source states them
from raw.rankings_estimates_weekly as rankings
inner join vintages
    on
        rankings.dimension = vintages.dimension
        and rankings.slice = vintages.slice
        and rankings.week_start_date = vintages.week_start_date
        and rankings.load_id = vintages.load_id
