-- Estimated tokens of each category and language type in each week, current vintage. They are scaled up from a sample
-- and overlap (marketing/seo lies within marketing) without covering all traffic: compare a slice with itself over
-- time. There are no shares, because neither their sum nor an exact total is a whole of which they are parts.
-- grain: dimension, slice, week_start_date
-- check: estimated_tokens >= 0
select
    dimension,
    slice, -- its value, such as marketing/seo or natural
    week_start_date,
    sum(estimated_tokens)::bigint as estimated_tokens, -- prompt and completion tokens of the week, `other` included
    true as is_estimate, -- scaled up from a sample; do not add to exact figures
    any_value(as_of) as as_of -- instant (UTC) as of which the source states the estimate
from staging.stg_rankings_estimates_weekly
group by dimension, slice, week_start_date
