-- What models were used for, by task, in the window that the newest answer of each day describes.
-- grain: date, tag
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.tag, -- task, such as code:debugging
    raw_rows.display_name, -- name of the task
    raw_rows.macro_category, -- group of tasks: code, data, agent or general
    raw_rows.as_of_date - (raw_rows.window_days::integer - 1) as window_start_date, -- first UTC day of the window
    raw_rows.as_of_date as window_end_date, -- last UTC day of the window
    raw_rows.usage_share, -- share of classified requests, 0 to 1; sampled
    raw_rows.token_share, -- share of classified tokens, 0 to 1; sampled
    raw_rows.category_usage_share, -- share of the category's requests, 0 to 1
    raw_rows.category_token_share, -- share of the category's tokens, 0 to 1
    raw_rows.load_id -- row of meta.loads
from raw.task_shares as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
