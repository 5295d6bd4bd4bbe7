-- What models are used for, by group of tasks: each row describes a trailing window, so that rows of neighbouring days
-- overlap. Sampled shares without volumes; requests that fit no task are left out of them.
-- grain: date, macro_category
-- check: window_start_date <= window_end_date
-- check: usage_share_pct >= 0 and token_share_pct >= 0
select
    date, -- UTC day of retrieval, after the window
    macro_category,
    label,
    window_start_date,
    window_end_date,
    usage_share * 100 as usage_share_pct, -- share of classified requests
    token_share * 100 as token_share_pct -- share of classified tokens
from staging.stg_task_macro_shares
