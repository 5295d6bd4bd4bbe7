-- The current vintage of each day, which replaces the whole day, slugs that it lacks too. What the pipeline fetched
-- wins over what was imported, the Data API over the exports, and then the newest as_of.
-- grain: date, model_permaslug
-- check: total_tokens >= 0
with vintages as (
    select
        raw_rows.date,
        arg_max(raw_rows.load_id, (
            loads.origin is null,
            raw_rows.source = 'rankings-daily',
            raw_rows.as_of,
            raw_rows.fetched_at,
            raw_rows.load_id
        )) as load_id
    from raw.rankings_daily as raw_rows
    inner join meta.loads as loads on raw_rows.load_id = loads.load_id
    group by raw_rows.date
)

select
    raw_rows.date,
    raw_rows.model_permaslug, -- permanent slug with `:variant`; `other` is the rest
    raw_rows.total_tokens, -- prompt and completion tokens
    raw_rows.as_of, -- instant (UTC) as of which the source states them
    raw_rows.date >= raw_rows.as_of::date - 1
        as is_provisional, -- as_of is on the day after, or before: may be restated
    raw_rows.load_id, -- row of meta.loads
    raw_rows.source -- where they come from
from raw.rankings_daily as raw_rows
inner join vintages
    on raw_rows.date = vintages.date and raw_rows.load_id = vintages.load_id
