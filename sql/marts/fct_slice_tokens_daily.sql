-- Exact tokens of each context bucket and modality on each day that is held, current vintage. Context buckets part all
-- traffic, so that their shares of a day add up to about 100 %; modalities overlap, because a request may hold text
-- and an image, so that theirs do not.
-- grain: dimension, slice, date
-- check: total_tokens >= 0
-- check: share_pct >= 0
select
    slices.dimension,
    slices.slice,
    slices.date,
    slices.total_tokens,
    100 * slices.total_tokens::double / nullif(totals.total_tokens, 0)
        as share_pct, -- of all tokens of the day; null where these are not loaded
    slices.dimension = 'context_bucket' as is_exact_partition, -- each token is in one slice of the dimension
    slices.is_provisional,
    slices.as_of -- instant (UTC) as of which the source states the figure
from intermediate.int_slice_days as slices
left join intermediate.int_days as totals on slices.date = totals.date
where slices.is_held
