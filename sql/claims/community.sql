-- Claim 8: attention in the community spreads models. Nothing public measures it; how many apps there are is a proxy.
-- kind: view
-- grain: claim_id
with newest as (
    select
        any_value(date) as as_of_date,
        any_value(listed_apps) as listed_apps,
        any_value(is_provisional) as is_provisional
    from marts.fct_app_residual_daily
    where
        date = (
            select max(whole.date)
            from marts.fct_app_residual_daily as whole
            where whole.is_whole
        )
),

whole_days as (
    select
        days.date,
        newest.as_of_date
    from marts.fct_app_residual_daily as days
    cross join newest
    where days.is_whole and days.date <= newest.as_of_date
),

first_days as (
    select min(apps.date) as first_date
    from marts.fct_app_tokens_daily as apps
    inner join whole_days on apps.date = whole_days.date
    group by apps.app_id
),

-- A day that is not held hides who came on it.
held as (
    select
        count(*) filter (where date >= as_of_date - 28) = 29 as has_28d,
        min(date) as since_date
    from whole_days
),

arrivals as (
    select count(*) filter (where first_days.first_date > newest.as_of_date - 28) as new_apps
    from first_days
    cross join newest
),

figures as (
    select
        newest.as_of_date,
        newest.listed_apps,
        newest.is_provisional,
        held.since_date,
        if(held.has_28d, arrivals.new_apps, null) as new_apps
    from newest
    cross join arrivals
    cross join held
)

select
    '8' as claim_id, -- number of the claim
    'Attention in the developer community spreads models' as claim, -- in short
    'C' as grade, -- A exact, B estimate or proxy, C not public
    'fct_app_tokens_daily, fct_app_residual_daily' as tables, -- marts behind it
    'apps that were first listed in the last 28 days, a proxy' as measure, -- what the value is
    'count' as unit, -- unit of the value
    new_apps::double as value, -- the figure
    new_apps::double as value_low, -- at least
    new_apps::double as value_high, -- at most
    as_of_date, -- UTC day of the figure
    coalesce(is_provisional, false) as is_provisional, -- the figure may still be restated
    'undecidable' as verdict, -- what the rule makes of the figure
    'Undecidable, whatever the figures: no public figure measures attention.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(as_of_date is null, 'No whole list of apps is loaded.', null),
        format(
            'On {}, {} apps were listed{}.',
            as_of_date,
            listed_apps,
            coalesce(
                format(
                    ', and {} had their first day in the lists, held since {}, in the 28 days until then',
                    new_apps,
                    since_date
                ),
                ''
            )
        ),
        'Public data cannot decide whether attention spreads models: only apps that opt in are listed, at most 200 of '
        || 'them, and nothing says what made them choose.'
    ) as finding -- the figures in words
from figures
