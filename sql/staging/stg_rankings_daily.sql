-- The current vintage of each day: the one with the newest as_of replaces the whole day, slugs that it lacks too.
-- grain: date, model_permaslug
-- check: total_tokens >= 0
with vintages as (
    select
        date,
        arg_max(load_id, (as_of, fetched_at, load_id)) as load_id
    from raw.rankings_daily
    group by date
)

select
    raw_rows.date, -- UTC day
    raw_rows.model_permaslug, -- permanent slug with `:variant`; `other` is the rest
    split_part(raw_rows.model_permaslug, '/', 1) as author, -- namespace before the slash, as published
    coalesce(nullif(split_part(raw_rows.model_permaslug, ':', 2), ''), 'standard') as variant, -- after the colon
    raw_rows.total_tokens, -- prompt and completion tokens
    raw_rows.as_of, -- instant (UTC) as of which the source states them
    raw_rows.fetched_at, -- instant (UTC) at which they were received
    raw_rows.load_id, -- row of meta.loads
    raw_rows.source -- where they come from
from raw.rankings_daily as raw_rows
inner join vintages
    on raw_rows.date = vintages.date and raw_rows.load_id = vintages.load_id
