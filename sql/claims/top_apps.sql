-- Finding on apps: the note of August 2025 names Cline, Kilo Code and Roo Code as the largest. Apps opt in to be
-- listed.
-- kind: view
-- grain: claim_id
with newest as (
    select
        any_value(date) as as_of_date,
        any_value(is_provisional) as is_provisional
    from marts.fct_app_residual_daily
    where
        date = (
            select max(whole.date)
            from marts.fct_app_residual_daily as whole
            where whole.is_whole
        )
),

largest as (
    select
        count(*) filter (where lower(app_name) in ('cline', 'kilo code', 'roo code')) as named,
        string_agg(
            app_name || coalesce(format(' {:.1f} %', share_pct), ''),
            ', ' order by rank
        ) || if(count(share_pct) = count(*), ' of all tokens', '') as apps
    from marts.fct_app_tokens_daily
    where rank <= 3 and date = (select newest.as_of_date from newest)
),

-- The month of the note itself, where all of it is loaded.
month_of_note as (
    select string_agg(app_name, ', ' order by tokens desc, app_name asc) as apps
    from (
        select
            app_id,
            arg_max(app_name, date) as app_name,
            sum(total_tokens) as tokens
        from marts.fct_app_tokens_daily
        where
            date between date '2025-08-01' and date '2025-08-31'
            and (
                select count(*)
                from marts.fct_app_residual_daily as days
                where days.is_whole and days.date between date '2025-08-01' and date '2025-08-31'
            ) = 31
        group by app_id
        order by tokens desc, app_id asc
        limit 3
    ) as largest_then
)

select
    'F2' as claim_id, -- number of the claim
    'Cline, Kilo Code and Roo Code are the largest apps (said in August 2025)' as claim, -- in short
    'A' as grade, -- A exact, B estimate or proxy, C not public
    'fct_app_tokens_daily, fct_app_residual_daily' as tables, -- marts behind it
    'how many of the three are among the three largest listed apps of the day' as measure, -- what the value is
    'count' as unit, -- unit of the value
    if(newest.as_of_date is null, null, largest.named::double) as value, -- the figure
    if(newest.as_of_date is null, null, largest.named::double) as value_low, -- at least
    if(newest.as_of_date is null, null, largest.named::double) as value_high, -- at most
    newest.as_of_date, -- UTC day of the figure
    coalesce(newest.is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when newest.as_of_date is null then 'no data'
        when largest.named = 3 then 'supported'
        when largest.named > 0 then 'mixed'
        else 'not supported'
    end as verdict, -- what the rule makes of the figure
    'Supported where the three largest listed apps of the newest whole list are these three, by name, mixed where one '
    || 'or two are, not supported where none is. It says whether this holds now, not whether it did then.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(newest.as_of_date is null, 'No whole list of apps is loaded.', null),
        format(
            'On {} the largest listed apps were {}{}.',
            newest.as_of_date,
            largest.apps,
            coalesce(format(', in August 2025 they were {}', month_of_note.apps), '')
        ),
        'Public data cannot decide which apps are largest of all, because apps opt in to be listed.'
    ) as finding -- the figures in words
from newest
cross join largest
cross join month_of_note
