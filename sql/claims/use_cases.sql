-- Finding on kinds of use: the note of August 2025 names programming, roleplay and marketing as the largest. Figures by
-- category are weekly estimates from a sample.
-- kind: view
-- grain: claim_id
with weeks as (
    select
        week_start_date,
        entity,
        estimated_tokens,
        share_pct,
        is_provisional,
        row_number() over (partition by week_start_date order by estimated_tokens desc, entity asc) as rank
    from marts.fct_token_growth_weekly
    where
        dimension = 'category'
        and entity <> 'all'
        and parent_entity is null
        and is_whole
        and share_pct is not null -- every category of the week is held
),

newest as (
    select max(week_start_date) as week_start_date
    from weeks
),

largest as (
    select
        count(*) filter (where weeks.entity in ('programming', 'roleplay', 'marketing')) as named,
        coalesce(bool_or(weeks.is_provisional), false) as is_provisional,
        string_agg(
            weeks.entity || coalesce(format(' {:.1f} %', weeks.share_pct), ''),
            ', ' order by weeks.rank
        ) as categories
    from weeks
    inner join newest on weeks.week_start_date = newest.week_start_date
    where weeks.rank <= 3
),

-- The four weeks within the month of the note itself, where all of them are loaded.
month_of_note as (
    select string_agg(entity, ', ' order by tokens desc, entity asc) as categories
    from (
        select
            entity,
            sum(estimated_tokens) as tokens
        from weeks
        where week_start_date between date '2025-08-04' and date '2025-08-25'
        group by entity
        having count(*) = 4
        order by tokens desc, entity asc
        limit 3
    ) as largest_then
)

select
    'F3' as claim_id, -- number of the claim
    'Programming, roleplay and marketing are the largest kinds of use (said in August 2025)' as claim, -- in short
    'B' as grade, -- A exact, B estimate or proxy, C not public
    'fct_token_growth_weekly' as tables, -- marts behind it
    'how many of the three are among the three largest categories of the week, by estimated tokens'
        as measure, -- what the value is
    'count' as unit, -- unit of the value
    if(newest.week_start_date is null, null, largest.named::double) as value, -- the figure
    null::double as value_low, -- at least
    null::double as value_high, -- at most
    newest.week_start_date + 6 as as_of_date, -- UTC day of the figure
    largest.is_provisional, -- the figure may still be restated
    case
        when newest.week_start_date is null then 'no data'
        when largest.named = 3 then 'supported'
        when largest.named > 0 then 'mixed'
        else 'not supported'
    end as verdict, -- what the rule makes of the figure
    'Supported where the three largest categories of the newest whole week are these three, mixed where one or two '
    || 'are, not supported where none is. It says whether this holds now, not whether it did then.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(newest.week_start_date is null, 'No estimates by category are loaded.', null),
        format(
            'In the week from {} the largest categories by estimated tokens were {}{}.',
            newest.week_start_date,
            largest.categories || ' of the sum of all categories',
            coalesce(format(', in the four whole weeks of August 2025 they were {}', month_of_note.categories), '')
        ),
        'Public data cannot decide it exactly: OpenRouter scales these figures up from a sample, states no margin, and '
        || 'categories overlap.'
    ) as finding -- the figures in words
from newest
cross join largest
cross join month_of_note
