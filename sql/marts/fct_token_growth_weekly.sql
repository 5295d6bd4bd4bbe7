-- Growth of the estimated weekly figures by category and language type. Per dimension, `all` is the sum of its slices
-- without those that lie within another. That is a sum of overlapping estimates, not the tokens of all traffic; it
-- exists so that contributions add up. It is known in a week for which every slice of it is held that is held in any
-- week, but for slices that begin later, as an answer has shown; and only sums of the same slices are compared. A week
-- that is not held is a gap, and one that still ran when it was received is compared with none: windows that contain
-- either, and growth over them, are null.
-- grain: dimension, entity, week_start_date
-- check: estimated_tokens >= 0
-- check: share_pct >= 0
-- check: is_whole or coalesce(growth_1w_pct, growth_4w_pct, growth_52w_pct, share_pct) is null
-- check: is_whole or is_provisional
-- check: parent_entity is null or coalesce(contribution_1w_pp, contribution_4w_pp) is null
with slices as (
    select
        if(dimension = 'language_type', 'language', dimension) as dimension,
        if(dimension = 'language_type', 'rankings-languages', 'rankings-categories') as source,
        slice as entity,
        nullif(regexp_extract(slice, '^(.+)/', 1), '') as parent_entity,
        week_start_date,
        estimated_tokens,
        week_start_date + 6 < as_of::date as is_whole,
        week_start_date = max(week_start_date) over (partition by dimension, slice)
        or week_start_date + 6 >= as_of::date as is_provisional,
        as_of
    from marts.fct_estimate_tokens_weekly
),

sums as (
    select
        dimension,
        source,
        week_start_date,
        count(*) as parts,
        sum(estimated_tokens)::bigint as estimated_tokens,
        bool_and(is_whole) as is_whole,
        bool_or(is_provisional) as is_provisional,
        min(as_of) as as_of
    from slices
    where parent_entity is null
    group by dimension, source, week_start_date
),

parts as (
    select distinct
        source,
        entity
    from slices
    where parent_entity is null
),

expected as (
    select
        sums.source,
        sums.week_start_date,
        count(*) as parts
    from sums
    inner join parts on sums.source = parts.source
    left join intermediate.int_floors as floors on parts.source = floors.source and parts.entity = floors.series
    where sums.week_start_date >= coalesce(floors.floor_date, sums.week_start_date)
    group by sums.source, sums.week_start_date
),

entities as (
    select
        dimension,
        entity,
        parent_entity,
        week_start_date,
        1 as parts,
        estimated_tokens,
        is_whole,
        is_provisional,
        as_of
    from slices
    union all
    select
        sums.dimension,
        'all' as entity,
        null as parent_entity,
        sums.week_start_date,
        sums.parts,
        if(sums.parts = expected.parts, sums.estimated_tokens, null) as estimated_tokens,
        sums.is_whole,
        sums.is_provisional,
        sums.as_of
    from sums
    inner join expected on sums.source = expected.source and sums.week_start_date = expected.week_start_date
),

comparable as (
    select
        *,
        if(is_whole, estimated_tokens, null) as whole_tokens
    from entities
),

-- Slices are only ever added, so that sums of equally many slices are sums of the same ones.
windows as (
    select
        *,
        max(whole_tokens) over week_before as tokens_1w_ago,
        max(whole_tokens) over year_before as tokens_52w_ago,
        case when count(whole_tokens) over four_weeks = 4 then sum(whole_tokens) over four_weeks end::bigint
            as tokens_4w,
        case
            when count(whole_tokens) over four_weeks_before = 4 then sum(whole_tokens) over four_weeks_before
        end::bigint as tokens_4w_4w_ago
    from comparable
    window
        week_before as (
            partition by dimension, entity, parts order by week_start_date
            range between interval 7 day preceding and interval 7 day preceding
        ),
        year_before as (
            partition by dimension, entity, parts order by week_start_date
            range between interval 364 day preceding and interval 364 day preceding
        ),
        four_weeks as (
            partition by dimension, entity, parts order by week_start_date
            range between interval 21 day preceding and current row
        ),
        four_weeks_before as (
            partition by dimension, entity, parts order by week_start_date
            range between interval 49 day preceding and interval 28 day preceding
        )
),

changes as (
    select
        *,
        whole_tokens - tokens_1w_ago as delta_1w_tokens,
        tokens_4w - tokens_4w_4w_ago as delta_4w_tokens
    from windows
),

wholes as (
    select
        dimension,
        week_start_date,
        whole_tokens,
        if(delta_1w_tokens is null, null, tokens_1w_ago) as tokens_1w_ago,
        if(delta_4w_tokens is null, null, tokens_4w_4w_ago) as tokens_4w_4w_ago
    from changes
    where entity = 'all'
)

select
    changes.dimension, -- category or language
    changes.entity, -- `all`, or a slice such as marketing/seo or natural
    changes.week_start_date,
    changes.parent_entity, -- slice within which the entity lies; it is not added to `all` again. Null for most
    changes.estimated_tokens, -- prompt and completion tokens of the week; null for `all` where a slice is not held
    changes.tokens_4w as estimated_tokens_4w, -- of the 4 weeks that end with this one
    100 * changes.delta_1w_tokens::double / nullif(changes.tokens_1w_ago, 0) as growth_1w_pct, -- on the week before
    100 * changes.delta_4w_tokens::double / nullif(changes.tokens_4w_4w_ago, 0)
        as growth_4w_pct, -- four weeks on the four weeks before
    100 * (changes.whole_tokens - changes.tokens_52w_ago)::double / nullif(changes.tokens_52w_ago, 0)
        as growth_52w_pct, -- on the week 52 weeks earlier
    100 * changes.whole_tokens::double / nullif(wholes.whole_tokens, 0)
        as share_pct, -- of `all`, which is not all traffic; slices within others count twice
    if(
        changes.entity = 'all' or changes.parent_entity is not null,
        null,
        100 * changes.delta_1w_tokens::double / nullif(wholes.tokens_1w_ago, 0)
    ) as contribution_1w_pp, -- part of growth_1w_pct of `all`; adds up to it over a dimension's week
    if(
        changes.entity = 'all' or changes.parent_entity is not null,
        null,
        100 * changes.delta_4w_tokens::double / nullif(wholes.tokens_4w_4w_ago, 0)
    ) as contribution_4w_pp, -- part of growth_4w_pct of `all`; adds up to it over a dimension's week
    changes.delta_1w_tokens, -- change to the week before
    changes.delta_4w_tokens, -- change of the four weeks to the four weeks before
    true as is_estimate,
    changes.is_provisional, -- the newest week of its slice, or one that is not whole: may be restated
    changes.is_whole, -- the week had ended by the day before as_of
    changes.as_of -- instant (UTC) as of which the source states the estimate; of `all`, the oldest of its slices
from changes
left join wholes on changes.dimension = wholes.dimension and changes.week_start_date = wholes.week_start_date
