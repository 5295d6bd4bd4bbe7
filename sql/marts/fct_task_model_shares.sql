-- The largest models of each task: each row describes a trailing window, so that rows of neighbouring days overlap.
-- What the shares of a task lack to 100 fell to models that are not listed.
-- grain: date, tag, model_permaslug
-- check: window_start_date <= window_end_date
-- check: tag_usage_share_pct >= 0 and tag_token_share_pct >= 0
select
    date, -- UTC day of retrieval, after the window
    tag,
    model_permaslug,
    window_start_date,
    window_end_date,
    tag_usage_share * 100 as tag_usage_share_pct, -- share of the task's requests
    tag_token_share * 100 as tag_token_share_pct -- share of the task's tokens
from staging.stg_task_model_shares
