-- Finding on authors: the note of August 2025 names Google, Anthropic and DeepSeek as the largest. What an author has
-- below rank 50 may put it before another one: the interval counts who is among the three whatever that is, and who can
-- be.
-- kind: view
-- grain: claim_id
with newest as (
    select
        any_value(date) as as_of_date,
        any_value(day_number) as day_number,
        any_value(total_tokens) as total_tokens,
        any_value(other_tokens) as other_tokens,
        any_value(is_provisional) as is_provisional
    from intermediate.int_board_days
    where
        board = 'rankings'
        and date = (
            select max(days.date)
            from intermediate.int_days as days
            where days.is_loaded
        )
),

authors as (
    select
        entities.entity as author,
        entities.entity in ('google', 'anthropic', 'deepseek') as is_named,
        days.low_tokens,
        days.high_tokens,
        100 * days.low_tokens::double / nullif(newest.total_tokens, 0) as share_pct,
        row_number() over (order by days.low_tokens desc, entities.entity asc) as rank
    from intermediate.int_entity_days as days
    inner join intermediate.int_entities as entities on days.entity_id = entities.entity_id
    inner join newest on days.day_number = newest.day_number
    where entities.dimension = 'author' and not entities.is_complete
),

named as (
    select
        names.author,
        coalesce(authors.low_tokens, 0) as low_tokens,
        coalesce(authors.high_tokens, newest.other_tokens) as high_tokens,
        newest.other_tokens
    from (values ('google'), ('anthropic'), ('deepseek')) as names (author)
    cross join newest
    left join authors on names.author = authors.author
),

-- Authors that were never listed may have as many times its tokens as `other` holds.
rivals as (
    select
        named.author,
        named.low_tokens,
        named.high_tokens,
        count(*) filter (where rival.low_tokens > named.high_tokens) as certain_rivals,
        count(*) filter (where rival.high_tokens >= named.low_tokens)
        + named.other_tokens // greatest(1, named.low_tokens) as possible_rivals
    from named
    left join authors as rival on named.author <> rival.author
    group by named.author, named.low_tokens, named.high_tokens, named.other_tokens
),

bounds as (
    select
        count(*) filter (where possible_rivals < 3 and low_tokens > 0) as count_low,
        count(*) filter (where certain_rivals < 3 and high_tokens > 0) as count_high
    from rivals
),

largest as (
    select
        count(*) filter (where is_named) as named,
        string_agg(format('{} {:.1f} %', author, share_pct), ', ' order by rank) as authors
    from authors
    where rank <= 3 and low_tokens > 0
),

-- The month of the note itself, where all of it is loaded.
month_of_note as (
    select string_agg(entity, ', ' order by tokens desc, entity asc) as authors
    from (
        select
            entity,
            sum(total_tokens) as tokens
        from marts.fct_token_growth_daily
        where
            dimension = 'author'
            and entity <> 'other'
            and date between date '2025-08-01' and date '2025-08-31'
            and (
                select count(*)
                from intermediate.int_days as days
                where days.is_loaded and days.date between date '2025-08-01' and date '2025-08-31'
            ) = 31
        group by entity
        order by tokens desc nulls last, entity asc
        limit 3
    ) as largest_then
)

select
    'F1' as claim_id, -- number of the claim
    'Google, Anthropic and DeepSeek are the largest authors (said in August 2025)' as claim, -- in short
    'A' as grade, -- A exact, B estimate or proxy, C not public
    'fct_token_growth_daily' as tables, -- marts behind it
    'how many of the three are among the three largest authors of the day, by listed tokens'
        as measure, -- what the value is
    'count' as unit, -- unit of the value
    if(newest.as_of_date is null, null, largest.named::double) as value, -- the figure
    if(newest.as_of_date is null, null, bounds.count_low::double) as value_low, -- at least
    if(newest.as_of_date is null, null, bounds.count_high::double) as value_high, -- at most
    newest.as_of_date, -- UTC day of the figure
    coalesce(newest.is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when newest.as_of_date is null then 'no data'
        when bounds.count_low = 3 then 'supported'
        when bounds.count_high = 0 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where these three are the three largest authors of the newest day whatever is below rank 50, not '
    || 'supported where none of them can be, mixed else. It says whether this holds now, not whether it did then.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(newest.as_of_date is null, 'No daily rankings are loaded.', null),
        format(
            'By listed tokens of {} the largest authors were {} of all tokens{}.',
            newest.as_of_date,
            largest.authors,
            coalesce(format(', in August 2025 they were {}', month_of_note.authors), '')
        ),
        'Public data cannot decide what an author has below rank 50, nor compare tokens across tokenizers exactly.'
    ) as finding -- the figures in words
from newest
cross join bounds
cross join largest
cross join month_of_note
