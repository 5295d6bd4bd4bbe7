-- The newest list of trending apps of each day.
-- grain: date, app_id
select
    snapshots.date,
    raw_rows.window_start_date,
    raw_rows.window_end_date,
    raw_rows.app_id,
    raw_rows.app_name,
    raw_rows.rank,
    raw_rows.total_tokens
from raw.app_trending as raw_rows
inner join staging.stg_snapshots as snapshots
    on raw_rows.load_id = snapshots.load_id and snapshots.source = 'app-trending' and snapshots.series = 'whole'
