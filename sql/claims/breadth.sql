-- Claim 1: many models behind one interface, and use that spreads over them.
-- kind: view
-- grain: claim_id
with concentration as (
    select
        any_value(date) as as_of_date,
        any_value(effective_number_low) as effective_low,
        any_value(effective_number_high) as effective_high,
        any_value(count_for_80_pct_low) as count_low,
        any_value(count_for_80_pct_high) as count_high,
        any_value(is_provisional) as is_provisional
    from marts.fct_concentration_daily
    where
        dimension = 'model'
        and date = (
            select max(newest.date)
            from marts.fct_concentration_daily as newest
            where newest.dimension = 'model'
        )
),

catalogue as (
    select
        count(distinct split_part(model_permaslug, ':', 1)) as models,
        count(distinct author) as authors
    from marts.dim_model_history
    where valid_to is null and tokenizer is distinct from 'Router' and not starts_with(author, '~')
),

providers as (
    select count(*) as providers
    from marts.dim_provider
    where is_listed
),

growth as (
    select
        any_value(contribution_28d_pp) filter (where dimension = 'model_age') as young_pp,
        any_value(growth_28d_pct) filter (where dimension = 'total') as total_pct
    from marts.growth_latest
    where (dimension = 'model_age' and entity = '0-30 days') or dimension = 'total'
)

select
    '1' as claim_id, -- number of the claim
    'With many models and providers behind one interface, use spreads over many models' as claim, -- in short
    'A' as grade, -- A exact, B estimate or proxy, C not public
    'fct_concentration_daily, dim_model_history, dim_provider, growth_latest' as tables, -- marts behind it
    'effective number of models on the day, at least' as measure, -- what the value is
    'count' as unit, -- unit of the value
    concentration.effective_low as value, -- the figure
    concentration.effective_low as value_low, -- at least
    concentration.effective_high as value_high, -- at most
    concentration.as_of_date, -- UTC day of the figure
    coalesce(concentration.is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when concentration.as_of_date is null then 'no data'
        when concentration.effective_low >= 10 then 'supported'
        when concentration.effective_high < 5 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where use is spread as if over 10 models of equal size or more, not supported below 5, mixed between. '
    || 'The verdict is on the spread of use, not on its cause.' as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(concentration.as_of_date is null, 'No daily rankings are loaded.', null),
        format(
            'On {}, tokens were spread as if over {} models of equal size, and {} made 80 % of them{}.',
            concentration.as_of_date,
            if(
                round(concentration.effective_low, 1) = round(concentration.effective_high, 1),
                format('{:.1f}', concentration.effective_low),
                format('{:.1f} to {:.1f}', concentration.effective_low, concentration.effective_high)
            ),
            case
                when concentration.count_high is null then format('at least {} models', concentration.count_low)
                when concentration.count_low = concentration.count_high
                    then format('the largest {} models', concentration.count_low)
                else format('the largest {} to {} models', concentration.count_low, concentration.count_high)
            end,
            if(
                catalogue.models = 0,
                '',
                format(
                    ', while the newest catalogue lists {} models by {} authors{}',
                    catalogue.models,
                    catalogue.authors,
                    if(
                        providers.providers = 0,
                        '',
                        format(', and the newest list of providers {}', providers.providers)
                    )
                )
            )
        ),
        format(
            'Listed models that are known to be in their first 31 days, whichever were that new in each window, '
            || 'account for {:+.1f} pp of the change of {:+.1f} % in all tokens between the last 28 days and the 28 '
            || 'before.',
            growth.young_pp,
            growth.total_pct
        ),
        'Public data cannot decide how many models one developer uses, or what makes use spread.'
    ) as finding -- the figures in words
from concentration
cross join catalogue
cross join providers
cross join growth
