-- Whether the five context buckets of a day add up to its total, for every day with a total. Bucket and total may
-- stand in answers of different moments: compare days that are not provisional.
-- grain: date
-- check: buckets between 0 and 5
with buckets as (
    select
        date,
        count(*) as buckets,
        sum(total_tokens)::bigint as bucket_tokens,
        bool_or(is_provisional) as is_provisional
    from intermediate.int_slice_days
    where dimension = 'context_bucket'
    group by date
),

compared as (
    select
        days.date,
        days.total_tokens,
        buckets.bucket_tokens,
        coalesce(buckets.buckets, 0)::integer as buckets,
        coalesce(buckets.buckets, 0) = 5 as is_complete,
        days.is_provisional or coalesce(buckets.is_provisional, false) as is_provisional
    from intermediate.int_days as days
    left join buckets on days.date = buckets.date
    where days.is_loaded
)

select
    date,
    total_tokens,
    bucket_tokens, -- sum of the buckets that are held; null where none is
    case when is_complete then bucket_tokens - total_tokens end
        as difference_tokens, -- buckets less total; null unless all five are held
    case when is_complete then 100 * (bucket_tokens - total_tokens) / nullif(total_tokens, 0)::double end
        as difference_pct, -- of the total
    buckets, -- buckets that are held, or were empty before their first day
    is_complete, -- all five are
    case when is_complete then bucket_tokens = total_tokens end as adds_up, -- to the token; null unless all are held
    is_provisional -- the total or a bucket may still be restated
from compared
