-- The largest models of each task, in the window that the newest answer of each day describes.
-- grain: date, tag, model_permaslug
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.tag, -- task, such as code:debugging
    raw_rows.model_permaslug, -- slug of the rankings, with `:variant`
    raw_rows.as_of_date - (raw_rows.window_days::integer - 1) as window_start_date, -- first UTC day of the window
    raw_rows.as_of_date as window_end_date, -- last UTC day of the window
    raw_rows.tag_usage_share, -- share of the task's requests, 0 to 1; sampled
    raw_rows.tag_token_share, -- share of the task's tokens, 0 to 1; sampled
    raw_rows.load_id -- row of meta.loads
from raw.task_model_shares as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
