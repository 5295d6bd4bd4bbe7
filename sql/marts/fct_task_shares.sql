-- What models are used for, by task: each row describes a trailing window, so that rows of neighbouring days overlap.
-- Sampled shares without volumes; requests that fit no task are left out of them.
-- grain: date, tag
-- check: window_start_date <= window_end_date
-- check: usage_share_pct >= 0 and token_share_pct >= 0
select
    date, -- UTC day of retrieval, after the window
    tag,
    display_name,
    macro_category,
    window_start_date,
    window_end_date,
    usage_share * 100 as usage_share_pct, -- share of classified requests
    token_share * 100 as token_share_pct, -- share of classified tokens
    category_usage_share * 100 as category_usage_share_pct, -- share of the category's requests
    category_token_share * 100 as category_token_share_pct -- share of the category's tokens
from staging.stg_task_shares
