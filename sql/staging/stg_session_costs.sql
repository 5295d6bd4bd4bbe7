-- The newest pages of each day, put together. Where the list moved between two pages and one holds a row again, the
-- later answer counts.
-- grain: date, app_slug, model_permaslug, turn_range
select
    snapshots.date,
    raw_rows.app_slug,
    raw_rows.app_name,
    raw_rows.model_permaslug, -- slug of the rankings, with `:variant`
    raw_rows.turn_range,
    raw_rows.median_session_cost_usd,
    raw_rows.window_end_date - (raw_rows.window_days::integer - 1)
        as window_start_date, -- first UTC day of the window; null where it is not stated
    raw_rows.window_end_date -- last UTC day of the window; null where it is not stated
from raw.session_costs as raw_rows
inner join staging.stg_snapshots as snapshots
    on raw_rows.load_id = snapshots.load_id and raw_rows.page = snapshots.series
qualify
    row_number() over (
        partition by snapshots.date, raw_rows.app_slug, raw_rows.model_permaslug, raw_rows.turn_range
        order by snapshots.is_fetched desc, raw_rows.fetched_at desc, raw_rows.page::integer desc
    ) = 1
