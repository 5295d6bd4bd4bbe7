-- What the listed apps leave of each day with app rankings: traffic without an app, of hidden apps, or below rank 200.
-- grain: date
-- check: cutoff_tokens >= 0
select
    date,
    listed_apps,
    app_tokens,
    app_requests,
    cutoff_tokens,
    is_whole,
    total_tokens,
    residual_tokens,
    100 * residual_tokens::double / nullif(total_tokens, 0) as residual_pct, -- of total_tokens
    is_provisional
from intermediate.int_app_days
