-- Limit: calls to free models are limited. Which calls were refused is in no public figure.
-- kind: view
-- grain: claim_id
with figures as (
    select
        any_value(date) as as_of_date,
        any_value(share_pct) filter (where entity = 'free_variant') as free_pct,
        coalesce(bool_or(is_provisional), false) as is_provisional
    from marts.growth_latest
    where dimension = 'price_class'
)

select
    'L2' as claim_id, -- number of the claim
    'Rate limits hold back the use of free models' as claim, -- in short
    'C' as grade, -- A exact, B estimate or proxy, C not public
    'growth_latest' as tables, -- marts behind it
    'refused calls to free models, of all calls to them' as measure, -- what the value is
    'pct' as unit, -- unit of the value
    null::double as value, -- the figure
    null::double as value_low, -- at least
    null::double as value_high, -- at most
    as_of_date, -- UTC day of the figure
    is_provisional, -- the figure may still be restated
    'undecidable' as verdict, -- what the rule makes of the figure
    'Undecidable, whatever the figures: refused calls are not published.' as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        format(
            'On {}, free variants had at least {:.1f} % of all tokens, with the limits in force.', as_of_date, free_pct
        ),
        'Public data cannot decide how much more it would be without them, because refused calls are not published.'
    ) as finding -- the figures in words
from figures
