-- Exact tokens of each model that a slice lists on a day, current vintage, with its rank within the slice.
-- grain: dimension, slice, date, model_permaslug
-- check: total_tokens >= 0
select
    dimension,
    slice, -- its value, such as 100K or image_output
    date,
    model_permaslug, -- permanent slug with `:variant`; `other` is the sum below rank 50 of the slice
    total_tokens, -- prompt and completion tokens of the model within the slice
    case
        when model_permaslug <> 'other'
            then row_number() over (
                partition by dimension, slice, date, model_permaslug = 'other'
                order by total_tokens desc, model_permaslug asc
            )
    end::integer as rank, -- position within the slice by tokens, ties by slug; null for `other`
    is_provisional,
    as_of -- instant (UTC) as of which the source states the figure
from staging.stg_rankings_filtered_daily
