-- The newest list of trending apps of each day.
-- grain: date, app_id
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.window_start_date, -- first UTC day of the window
    raw_rows.window_end_date, -- last UTC day of the window
    raw_rows.app_id, -- OpenRouter's number of the app, which lasts
    raw_rows.app_name, -- display name at retrieval
    raw_rows.rank, -- published rank, by excess
    raw_rows.total_tokens, -- prompt and completion tokens of the whole window, not the excess
    raw_rows.total_requests, -- requests of the whole window
    raw_rows.load_id -- row of meta.loads
from raw.app_trending as raw_rows
inner join staging.stg_snapshots as snapshots
    on raw_rows.load_id = snapshots.load_id and snapshots.source = 'app-trending' and snapshots.series = 'whole'
