-- The largest models of each task, in the window that the newest answer of each day describes.
-- grain: date, tag, model_permaslug
select
    snapshots.date,
    raw_rows.tag,
    raw_rows.model_permaslug, -- slug of the rankings, with `:variant`
    raw_rows.as_of_date - (raw_rows.window_days::integer - 1) as window_start_date, -- first UTC day of the window
    raw_rows.as_of_date as window_end_date, -- last UTC day of the window
    raw_rows.tag_usage_share,
    raw_rows.tag_token_share
from raw.task_model_shares as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
