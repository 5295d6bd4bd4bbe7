-- Claim 5: routing by price or speed makes large volumes cheaper. The choice is made in each request and leaves no
-- trace, unless its variants were ever listed; what is public is how far prices of one model lie apart.
-- kind: view
-- grain: claim_id
with newest as (
    select max(date) as date
    from marts.fct_token_growth_daily
    where dimension = 'variant'
),

variants as (
    select
        min(growth.date) as first_date,
        string_agg(distinct growth.entity, ', ' order by growth.entity) as variants,
        string_agg(distinct growth.entity, ', ' order by growth.entity)
        filter (where growth.entity in ('nitro', 'floor')) as routed_variants,
        sum(growth.share_pct) filter (where growth.entity in ('nitro', 'floor') and growth.date = newest.date)
            as routed_pct,
        coalesce(bool_or(growth.is_provisional) filter (where growth.date = newest.date), false) as is_provisional
    from marts.fct_token_growth_daily as growth
    cross join newest
    where
        growth.dimension = 'variant'
        and growth.entity <> 'other'
        and growth.total_tokens is not null
        and growth.date > newest.date - 90
),

spreads as (
    select
        date,
        max(prompt_usd_per_token) / nullif(min(prompt_usd_per_token), 0) as spread
    from marts.fct_endpoint_daily
    where date = (select max(last_day.date) from marts.fct_endpoint_daily as last_day)
    group by date, model_permaslug
    having count(distinct provider_slug) >= 2
),

prices as (
    select
        max(date) as date,
        count(spread) as models,
        median(spread) as spread
    from spreads
),

list_prices as (
    select
        max(date) as index_date,
        arg_max(base_date, date) as base_date,
        arg_max(fisher_index, date) - 100 as index_change_pct,
        arg_max(unit_value_index, date) - 100 as unit_value_change_pct
    from marts.fct_price_index_daily
    where base_date < date
),

figures as (
    select
        newest.date as variants_date,
        variants.first_date,
        variants.variants,
        variants.routed_variants,
        coalesce(variants.routed_pct, 0) as routed_pct,
        variants.is_provisional,
        prices.date as prices_date,
        prices.models,
        prices.spread,
        list_prices.index_date,
        list_prices.base_date,
        list_prices.index_change_pct,
        list_prices.unit_value_change_pct,
        coalesce(prices.date, newest.date) as as_of_date
    from newest
    cross join variants
    cross join prices
    cross join list_prices
)

select
    '5' as claim_id, -- number of the claim
    'Routing to the fastest or cheapest provider makes large volumes cheaper' as claim, -- in short
    'C' as grade, -- A exact, B estimate or proxy, C not public
    'fct_token_growth_daily, fct_endpoint_daily, fct_price_index_daily' as tables, -- marts behind it
    'highest to lowest prompt price at the providers of a model, median over ranked models with two or more'
        as measure, -- what the value is
    'ratio' as unit, -- unit of the value
    spread as value, -- the figure
    spread as value_low, -- at least
    spread as value_high, -- at most
    as_of_date, -- UTC day of the figure
    if(prices_date is null, is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when as_of_date is null then 'no data'
        when routed_variants is null then 'undecidable'
        when routed_pct >= 1 and spread >= 1.2 then 'supported'
        when spread < 1.2 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Undecidable unless a variant nitro or floor was listed in the last 90 days, then supported where these have at '
    || 'least 1 % of the newest tokens and prices differ by a ratio of 1.2 or more, not supported where prices differ '
    || 'by less, else mixed.' as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(as_of_date is null, 'Neither daily rankings nor endpoints are loaded.', null),
        format(
            'The variants listed from {} to {} were {}: {}.',
            first_date,
            variants_date,
            variants,
            if(
                routed_variants is null,
                'neither nitro nor floor among them',
                format('{} among them, with {:.1f} % of the tokens of the last day', routed_variants, routed_pct)
            )
        ),
        format(
            'On {}, the dearest provider of a model asked {:.2f} times the prompt price of the cheapest (median of {} '
            || 'ranked models with two or more providers and a price).',
            prices_date,
            spread,
            models
        ),
        format(
            'From {} to {}, list prices of the same models changed by {:+.1f} % (chained Fisher index), and with the '
            || 'mix of models the estimated cost of a million tokens by {:+.1f} %.',
            base_date,
            index_date,
            index_change_pct,
            unit_value_change_pct
        ),
        'Public data cannot decide which provider served a request, or what routing saved.'
    ) as finding -- the figures in words
from figures
