-- Estimated tokens of each model that a category or language type lists in a week, current vintage, with its rank.
-- grain: dimension, slice, week_start_date, model_permaslug
-- check: estimated_tokens >= 0
select
    dimension,
    slice, -- its value, such as marketing/seo or natural
    week_start_date,
    model_permaslug, -- permanent slug with `:variant`; `other` is the sum below rank 50 of the slice
    estimated_tokens, -- prompt and completion tokens of the model within the slice, scaled up from a sample
    case
        when model_permaslug <> 'other'
            then row_number() over (
                partition by dimension, slice, week_start_date, model_permaslug = 'other'
                order by estimated_tokens desc, model_permaslug asc
            )
    end::integer as rank, -- position within the slice by estimated tokens, ties by slug; null for `other`
    true as is_estimate, -- scaled up from a sample; do not add to exact figures
    as_of -- instant (UTC) as of which the source states the estimate
from staging.stg_rankings_estimates_weekly
