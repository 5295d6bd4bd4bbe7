-- Claim 6: use scales with a few applications, coding agents first. Apps opt in to be listed, and their categories are
-- those of the day on which these were read.
-- kind: view
-- grain: claim_id
with newest as (
    select
        any_value(date) as as_of_date,
        any_value(residual_pct) as residual_pct,
        any_value(is_provisional) as is_provisional
    from marts.fct_app_residual_daily
    where
        date = (
            select max(whole.date)
            from marts.fct_app_residual_daily as whole
            where whole.residual_pct is not null
        )
),

largest as (
    select
        round(sum(share_pct), 9) as top_10_pct,
        count(*) as apps
    from marts.fct_app_tokens_daily
    where rank <= 10 and date = (select newest.as_of_date from newest)
),

growth as (
    select
        any_value(share_pct) filter (where entity = 'coding') as coding_pct,
        any_value(contribution_28d_pp) filter (where entity = 'coding') as coding_pp,
        round(sum(contribution_28d_pp), 9) as total_pp,
        arg_max(entity, share_pct) filter (where entity not in ('other', 'uncategorised')) = 'coding'
            as is_coding_first
    from marts.fct_token_growth_daily
    where dimension = 'app_category' and date = (select newest.as_of_date from newest)
),

explained as (
    select
        100 * any_value(change_tokens) / nullif(any_value(tokens_before), 0) as growth_pct,
        100 * any_value(requests_effect_tokens) / nullif(any_value(tokens_before), 0) as requests_pp,
        100 * any_value(mix_effect_tokens) / nullif(any_value(tokens_before), 0) as mix_pp,
        100 * any_value(intensity_effect_tokens) / nullif(any_value(tokens_before), 0) as intensity_pp,
        100 * any_value(listing_effect_tokens) / nullif(any_value(tokens_before), 0) as listing_pp
    from marts.rpt_app_growth_explained
    where window_days = 28 and date = (select newest.as_of_date from newest)
)

select
    '6' as claim_id, -- number of the claim
    'Token use scales with a few applications, coding agents first' as claim, -- in short
    'A' as grade, -- A exact, B estimate or proxy, C not public
    'fct_app_tokens_daily, fct_app_residual_daily, fct_token_growth_daily, rpt_app_growth_explained'
        as tables, -- marts behind it
    'tokens of the ten largest listed apps, of all tokens of the day' as measure, -- what the value is
    'pct' as unit, -- unit of the value
    largest.top_10_pct as value, -- the figure
    largest.top_10_pct as value_low, -- at least
    largest.top_10_pct as value_high, -- at most
    newest.as_of_date, -- UTC day of the figure
    coalesce(newest.is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when newest.as_of_date is null then 'no data'
        when largest.top_10_pct >= 50 and coalesce(growth.is_coding_first, false) then 'supported'
        when largest.top_10_pct < 10 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where the ten largest listed apps have at least 50 % of all tokens and coding is the largest of the '
    || 'categories that are known, not supported where they have less than 10 %, else mixed.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(newest.as_of_date is null, 'No whole list of apps is loaded for a day with daily rankings.', null),
        format(
            'On {}, the {} largest listed apps had {:.1f} % of all tokens, and {:.1f} % belonged to no listed app.',
            newest.as_of_date,
            largest.apps,
            largest.top_10_pct,
            newest.residual_pct
        ),
        format(
            'Listed apps that OpenRouter files under coding had {:.1f} % of all tokens{}.',
            growth.coding_pct,
            coalesce(
                format(
                    ', and account for {:+.1f} pp of the change of {:+.1f} % over 28 days',
                    growth.coding_pp,
                    growth.total_pp
                ),
                ''
            )
        ),
        format(
            'Tokens of listed apps changed by {:+.1f} % over 28 days: {:+.1f} pp with the number of requests, {:+.1f} '
            || 'pp with the tokens of a request, {:+.1f} pp as requests moved between apps, and {:+.1f} pp as apps '
            || 'entered or left the list.',
            explained.growth_pct,
            explained.requests_pp,
            explained.intensity_pp,
            explained.mix_pp,
            explained.listing_pp
        ),
        'Public data cannot decide what uses the rest: apps opt in to be listed, and at most 200 are.'
    ) as finding -- the figures in words
from newest
cross join largest
cross join growth
cross join explained
