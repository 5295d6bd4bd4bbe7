-- Exact tokens of each context bucket and modality on each day that is held, current vintage. Context buckets part all
-- traffic, so that their shares of a day add up to about 100 %; modalities overlap, because a request may hold text
-- and an image, so that theirs do not.
-- grain: dimension, slice, date
-- check: total_tokens >= 0
-- check: share_pct >= 0
with listed as (
    select
        dimension,
        slice,
        date,
        sum(total_tokens)::bigint as total_tokens
    from staging.stg_rankings_filtered_daily
    group by dimension, slice, date
)

select
    held.dimension, -- what the rankings are cut by: context_bucket or modality
    held.slice, -- its value, such as 100K or image_output
    held.date, -- UTC day
    coalesce(listed.total_tokens, 0) as total_tokens, -- prompt and completion tokens, `other` included
    100 * coalesce(listed.total_tokens, 0)::double / nullif(totals.total_tokens, 0)
        as share_pct, -- of all tokens of the day; null where these are not loaded
    held.dimension = 'context_bucket' as is_exact_partition, -- each token is in one slice of the dimension
    held.date >= held.as_of::date - 1 as is_provisional, -- as_of is on the day after, or before: may be restated
    held.as_of -- instant (UTC) as of which the source states the figure
from staging.stg_slice_days as held
left join listed
    on held.dimension = listed.dimension and held.slice = listed.slice and held.date = listed.date
left join intermediate.int_days as totals on held.date = totals.date
