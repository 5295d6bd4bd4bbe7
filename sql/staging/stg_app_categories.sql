-- The apps of each category and subcategory by the newest pages of each day, put together. Where the list moved between
-- two pages and both hold an app, the later answer counts.
-- grain: date, part, app_id
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.date as usage_date, -- UTC day that the tokens are of: the last complete one at retrieval
    raw_rows.part,
    raw_rows.category,
    raw_rows.part <> raw_rows.category as is_subcategory, -- part is a subcategory
    raw_rows.app_id,
    raw_rows.app_name,
    raw_rows.rank,
    raw_rows.total_tokens, -- prompt and completion tokens of usage_date
    raw_rows.total_requests -- requests of usage_date
from raw.app_categories as raw_rows
inner join staging.stg_snapshots as snapshots
    on
        raw_rows.load_id = snapshots.load_id
        and raw_rows.part || ' ' || raw_rows.page = snapshots.series
        and snapshots.source = 'app-categories'
qualify
    row_number() over (
        partition by snapshots.date, raw_rows.part, raw_rows.app_id
        order by snapshots.is_fetched desc, raw_rows.fetched_at desc, raw_rows.page::integer asc
    ) = 1
