-- Claim 3: reasoning tokens raise use. How many there are is known from saved rankings pages only, which providers
-- that count none leave short; what models can do is known by day.
-- kind: view
-- grain: claim_id
with page as (
    select
        any_value(window_start_date) as start_date,
        any_value(window_end_date) as end_date,
        any_value(reasoning_share_pct) as reasoning_pct,
        any_value(completion_share_pct) as completion_pct
    from (
        select
            window_start_date,
            window_end_date,
            reasoning_share_pct,
            completion_share_pct
        from marts.fct_reasoning_share
        where basis = 'page_window' and reasoning_share_pct is not null
        qualify row_number() over (order by source_at desc, window_start_date asc) = 1
    ) as stated
),

capability as (
    select
        any_value(window_end_date) as date,
        any_value(capable_share_low_pct) as low_pct,
        any_value(capable_share_high_pct) as high_pct,
        any_value(is_provisional) as is_provisional
    from marts.fct_reasoning_share
    where
        basis = 'capability'
        and window_end_date = (
            select max(newest.window_end_date)
            from marts.fct_reasoning_share as newest
            where newest.basis = 'capability'
        )
),

growth as (
    select
        any_value(contribution_28d_pp) filter (where dimension = 'reasoning') as capable_pp,
        any_value(growth_28d_pct) filter (where dimension = 'total') as total_pct
    from marts.growth_latest
    where (dimension = 'reasoning' and entity = 'capable') or dimension = 'total'
)

select
    '3' as claim_id, -- number of the claim
    'Reasoning tokens, billed as output, raise token use considerably' as claim, -- in short
    'B' as grade, -- A exact, B estimate or proxy, C not public
    'fct_reasoning_share, growth_latest' as tables, -- marts behind it
    'reasoning tokens that providers count, of all tokens in the newest saved page with figures'
        as measure, -- what the value is
    'pct' as unit, -- unit of the value
    page.reasoning_pct as value, -- the figure
    page.reasoning_pct as value_low, -- at least
    page.completion_pct as value_high, -- at most
    coalesce(page.end_date, capability.date) as as_of_date, -- UTC day of the figure
    coalesce(if(page.end_date is null, capability.is_provisional, false), false)
        as is_provisional, -- the figure may still be restated
    case
        when coalesce(page.end_date, capability.date) is null then 'no data'
        when page.end_date is null then 'undecidable'
        when page.reasoning_pct >= 10 then 'supported'
        when page.completion_pct < 10 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where providers count 10 % of all tokens or more as reasoning, not supported where all output is below '
    || '10 %, mixed between, undecidable without a saved page that states any. It holds for the days of that page.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(page.end_date is null, 'No saved rankings page with reasoning tokens is held.', null),
        format(
            'From {} to {}, the newest window of a saved page with such figures, reasoning made {:.1f} % of all tokens '
            || 'as far as providers count it, and at most the {:.1f} % that were output.',
            page.start_date,
            page.end_date,
            page.reasoning_pct,
            page.completion_pct
        ),
        format(
            'Models that can reason, whether or not they did, had {:.1f} % to {:.1f} % of all tokens on {}{}.',
            capability.low_pct,
            capability.high_pct,
            capability.date,
            coalesce(
                format(
                    ', and those of them that are listed and known account for {:+.1f} pp of the change of {:+.1f} % '
                    || 'over 28 days',
                    growth.capable_pp,
                    growth.total_pct
                ),
                ''
            )
        ),
        'Public data cannot decide how many tokens are spent on reasoning at present, or how many would be without it.'
    ) as finding -- the figures in words
from page
cross join capability
cross join growth
