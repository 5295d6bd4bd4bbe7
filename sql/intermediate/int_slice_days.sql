-- Tokens of each context bucket and modality on each day that is held, current vintage. A slice without rows on a held
-- day was not used, and neither was one before the first day that is published of it.
-- grain: dimension, slice, date
-- check: total_tokens >= 0
with listed as (
    select
        dimension,
        slice,
        date,
        sum(total_tokens)::bigint as total_tokens
    from staging.stg_rankings_filtered_daily
    group by dimension, slice, date
),

before_floors as (
    select
        if(floors.source = 'rankings-contexts', 'context_bucket', 'modality') as dimension,
        floors.series as slice,
        days.date
    from intermediate.int_days as days
    inner join intermediate.int_floors as floors on days.date < floors.floor_date
    where floors.source in ('rankings-contexts', 'rankings-modalities')
)

select
    held.dimension,
    if(held.dimension = 'context_bucket', 'contexts', 'modalities') as board, -- list that holds it
    held.slice, -- its value, such as 100K or image_output
    held.date,
    coalesce(listed.total_tokens, 0) as total_tokens, -- prompt and completion tokens, `other` included
    true as is_held, -- an answer holds the day; else it is before the first published one
    held.as_of, -- instant (UTC) as of which the source states the figure; null before the first published day
    held.is_provisional
from staging.stg_slice_days as held
left join listed
    on held.dimension = listed.dimension and held.slice = listed.slice and held.date = listed.date
union all
select
    dimension,
    if(dimension = 'context_bucket', 'contexts', 'modalities') as board,
    slice,
    date,
    0 as total_tokens,
    false as is_held,
    null as as_of,
    false as is_provisional
from before_floors
