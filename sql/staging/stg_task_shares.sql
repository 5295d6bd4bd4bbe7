-- What models were used for, by task, in the window that the newest answer of each day describes.
-- grain: date, tag
select
    snapshots.date,
    raw_rows.tag,
    raw_rows.display_name,
    raw_rows.macro_category,
    raw_rows.as_of_date - (raw_rows.window_days::integer - 1) as window_start_date, -- first UTC day of the window
    raw_rows.as_of_date as window_end_date, -- last UTC day of the window
    raw_rows.usage_share,
    raw_rows.token_share,
    raw_rows.category_usage_share,
    raw_rows.category_token_share
from raw.task_shares as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
