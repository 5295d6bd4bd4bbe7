-- Claim 2: public rankings steer use. An event study: models on their first day in the top 10 against those at the
-- ranks 11 to 20 of the same day, from the 7 days that begin with it to the 7 days three weeks later. A day on which a
-- model is not listed counts as the cut-off, the most that it can have. Of n differences in order, those that lie 0.98
-- roots of n below and above the middle hold the median in about 95 % of cases.
-- kind: view
-- grain: claim_id
with newest as (
    select
        max(date) as as_of_date,
        bool_or(is_provisional) filter (where date = (select max(last_day.date) from intermediate.int_days as last_day))
            as is_provisional
    from intermediate.int_days
    where is_loaded
),

entries as (
    select
        events.entity as model_permaslug,
        events.date
    from marts.fct_events as events
    inner join intermediate.int_days as days on days.date between events.date and events.date + 27
    where events.kind = 'top_10_entry' and events.dimension = 'model' and days.is_loaded
    group by events.entity, events.date
    having
        count(*) filter (where days.date <= events.date + 6) = 7
        and count(*) filter (where days.date >= events.date + 21) = 7
),

compared as (
    select
        model_permaslug,
        date,
        true as is_entry
    from entries
    union all
    select
        tokens.model_permaslug,
        tokens.date,
        false as is_entry
    from marts.fct_model_tokens_daily as tokens
    where tokens.rank between 11 and 20 and tokens.date in (select entries.date from entries)
),

followed as (
    select
        compared.model_permaslug,
        compared.date as entry_date,
        compared.is_entry,
        days.date,
        coalesce(tokens.total_tokens, days.cutoff_tokens) as most_tokens
    from compared
    inner join intermediate.int_days as days on days.date between compared.date and compared.date + 27
    left join marts.fct_model_tokens_daily as tokens
        on compared.model_permaslug = tokens.model_permaslug and days.date = tokens.date
),

grown as (
    select
        model_permaslug,
        entry_date as date,
        is_entry,
        100 * sum(most_tokens) filter (where date >= entry_date + 21)::double
        / nullif(sum(most_tokens) filter (where date <= entry_date + 6), 0) - 100 as growth_pct
    from followed
    group by model_permaslug, entry_date, is_entry
),

differences as (
    select
        entered.growth_pct,
        median(others.growth_pct) as others_growth_pct,
        entered.growth_pct - median(others.growth_pct) as difference_pp
    from grown as entered
    inner join grown as others on entered.date = others.date
    where entered.is_entry and not others.is_entry
    group by entered.model_permaslug, entered.date, entered.growth_pct
),

added as (
    select
        count(*) as entries,
        count(*) >= 10 as is_enough,
        median(growth_pct) as growth_pct,
        median(others_growth_pct) as others_growth_pct,
        median(difference_pp) as difference_pp,
        list(difference_pp order by difference_pp) as ordered_pp,
        greatest(1, floor(count(*) / 2 - 0.98 * sqrt(count(*))))::integer as place
    from differences
),

figures as (
    select
        newest.as_of_date,
        newest.is_provisional,
        added.entries,
        added.growth_pct,
        added.others_growth_pct,
        if(added.is_enough, added.difference_pp, null) as difference_pp,
        if(added.is_enough, added.ordered_pp[added.place], null) as low_pp,
        if(added.is_enough, added.ordered_pp[added.entries + 1 - added.place], null) as high_pp
    from newest
    cross join added
)

select
    '2' as claim_id, -- number of the claim
    'Public rankings steer developers to the models that lead them' as claim, -- in short
    'B' as grade, -- A exact, B estimate or proxy, C not public
    'fct_events, fct_model_tokens_daily' as tables, -- marts behind it
    'median difference in growth over three weeks between models that enter the top 10 and those at ranks 11 to 20'
        as measure, -- what the value is
    'pp' as unit, -- unit of the value
    difference_pp as value, -- the figure
    low_pp as value_low, -- at least
    high_pp as value_high, -- at most
    as_of_date, -- UTC day of the figure
    coalesce(is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when as_of_date is null then 'no data'
        when difference_pp is null then 'undecidable'
        when low_pp > 0 then 'mixed'
        else 'not supported'
    end as verdict, -- what the rule makes of the figure
    'Undecidable below 10 entries. Mixed where the interval of the median (about 95 %, as if entries did not overlap) '
    || 'is above 0, not supported else. Never supported, because a model that rises for another reason shows a '
    || 'difference above 0, too. A day on which a model is not listed counts as the cut-off, the most that it can have.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(as_of_date is null, 'No daily rankings are loaded.', null),
        if(
            difference_pp is null and as_of_date is not null,
            format(
                'By {}, {} first entries into the top 10 had the four weeks of rankings that the comparison needs, and '
                || '10 are the least that it takes.',
                as_of_date,
                entries
            ),
            null
        ),
        format(
            'In {} first entries into the top 10 until {}, the tokens of the model changed by {:+.1f} % in the '
            || 'median from its first week there to the week three weeks later, and by {:+.1f} % for models at ranks '
            || '11 to 20: a median difference of {:+.1f} pp ({:+.1f} to {:+.1f} pp).',
            entries,
            as_of_date,
            growth_pct,
            others_growth_pct,
            difference_pp,
            low_pp,
            high_pp
        ),
        if(
            difference_pp is null,
            null,
            'That is an association: a model that enters on an unusually high day falls back (regression to the mean), '
            || 'and one on its way up goes on rising whether it is ranked or not.'
        ),
        'Public data cannot decide whether anyone chose a model because of its rank.'
    ) as finding -- the figures in words
from figures
