-- Claim 4: free variants draw use, and lead to paid use. Models whose list price is 0 count as free, too; what is not
-- listed, or has no known price, may be free.
-- kind: view
-- grain: claim_id
with newest as (
    select max(date) as as_of_date
    from marts.growth_latest
),

shares as (
    select
        coalesce(round(sum(share_pct) filter (where entity in ('free_variant', 'zero_price')), 9), 0) as low_pct,
        coalesce(round(sum(share_pct) filter (where entity <> 'paid'), 9), 0) as high_pct,
        round(sum(contribution_28d_pp) filter (where entity in ('free_variant', 'zero_price')), 9) as free_pp,
        round(sum(contribution_28d_pp), 9) as total_pp,
        bool_or(is_provisional) as is_provisional
    from marts.growth_latest
    where dimension = 'price_class'
),

first_day as (
    select min(date) as date
    from intermediate.int_days
),

launches as (
    select
        arg_max(events.entity, events.size) as model_permaslug,
        arg_max(events.date, events.size) as launch_date,
        max(events.size) as tokens
    from marts.fct_events as events
    cross join newest
    where events.kind = 'free_launch' and events.date > newest.as_of_date - 90
),

hand_overs as (
    select
        count(size) as hand_overs,
        median(size) as paid_to_free_pct
    from marts.fct_events
    where kind = 'free_to_paid'
),

costs as (
    select
        max(date) as costs_date,
        arg_max(unit_value_usd_per_million, date) as usd_per_million,
        arg_max(paid_unit_value_usd_per_million, date) as paid_usd_per_million
    from marts.fct_price_index_daily
    where unit_value_usd_per_million < paid_unit_value_usd_per_million
),

figures as (
    select
        newest.as_of_date,
        greatest(first_day.date + 1, newest.as_of_date - 89) as launches_since,
        shares.low_pct,
        shares.high_pct,
        shares.free_pp,
        shares.total_pp,
        shares.is_provisional,
        launches.model_permaslug,
        launches.launch_date,
        launches.tokens,
        hand_overs.hand_overs,
        hand_overs.paid_to_free_pct,
        costs.costs_date,
        costs.usd_per_million,
        costs.paid_usd_per_million,
        case when shares.low_pct >= 5 then true when shares.high_pct < 5 then false end as draws_use,
        case when hand_overs.hand_overs >= 3 then hand_overs.paid_to_free_pct >= 50 end as leads_to_paid
    from newest
    cross join first_day
    cross join shares
    cross join launches
    cross join hand_overs
    cross join costs
)

select
    '4' as claim_id, -- number of the claim
    'Free variants draw developers in and lead to paid use' as claim, -- in short
    'B' as grade, -- A exact, B estimate or proxy, C not public
    'growth_latest, fct_events, fct_price_index_daily' as tables, -- marts behind it
    'tokens of free variants and of models with a price of 0, of all tokens of the day, at least'
        as measure, -- what the value is
    'pct' as unit, -- unit of the value
    if(as_of_date is null, null, low_pct) as value, -- the figure
    if(as_of_date is null, null, low_pct) as value_low, -- at least
    if(as_of_date is null, null, high_pct) as value_high, -- at most
    as_of_date, -- UTC day of the figure
    coalesce(is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when as_of_date is null then 'no data'
        when draws_use and leads_to_paid then 'supported'
        when draws_use or leads_to_paid then 'mixed'
        when not draws_use and not leads_to_paid then 'not supported'
        else 'undecidable'
    end as verdict, -- what the rule makes of the figure
    'Two parts: free models have at least 5 % of all tokens, and in 3 or more hand-overs the tokens of the first paid '
    || 'week are in the median at least 50 % of those of the last free week. Supported where both hold, mixed where '
    || 'one does and the other does not or is not known, not supported where both are known to fail, else undecidable.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(as_of_date is null, 'No daily rankings are loaded.', null),
        if(
            as_of_date is null,
            null,
            format(
                'On {}, free models had at least {:.1f} % of all tokens, at most {:.1f} % with all that is not listed '
                || 'or has no known price{}{}.',
                as_of_date,
                low_pct,
                high_pct,
                coalesce(
                    format(
                        ', and those that are known account for {:+.1f} pp of the change of {:+.1f} % over 28 days',
                        free_pp,
                        total_pp
                    ),
                    ''
                ),
                coalesce(
                    format(
                        ' (the largest free launch since {}: {} on {}, {:.2f} T in 7 days)',
                        launches_since,
                        model_permaslug,
                        launch_date,
                        tokens / 1e12
                    ),
                    ''
                )
            )
        ),
        case
            when as_of_date is null then null
            when hand_overs = 0 then 'No free variant is known to have handed over to a paid model of the same name.'
            else format(
                'Tokens of the first paid week were {:.1f} % of those of the last free week {} to a paid model of the '
                || 'same name.',
                paid_to_free_pct,
                if(
                    hand_overs = 1,
                    'in the one known hand-over',
                    format('in the median of the {} known hand-overs', hand_overs)
                )
            )
        end,
        format(
            'On {}, free models lowered the estimated cost of a million tokens from {:.3f} to {:.3f} USD.',
            costs_date,
            paid_usd_per_million,
            usd_per_million
        ),
        'Public data cannot decide how many users of a free model pay later.'
    ) as finding -- the figures in words
from figures
