-- What models were used for, by group of tasks, in the window that the newest answer of each day describes.
-- grain: date, macro_category
select
    snapshots.date,
    raw_rows.macro_category,
    raw_rows.label,
    raw_rows.as_of_date - (raw_rows.window_days::integer - 1) as window_start_date, -- first UTC day of the window
    raw_rows.as_of_date as window_end_date, -- last UTC day of the window
    raw_rows.usage_share,
    raw_rows.token_share
from raw.task_macro_shares as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
