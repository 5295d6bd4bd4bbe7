-- Limit: long sessions cost much. Medians by app, model and turns, as OpenRouter publishes them for a trailing window.
-- Only pairs of app and model that have both ends are compared, and none that costs nothing.
-- kind: view
-- grain: claim_id
with pairs as (
    select
        date,
        app_slug,
        model_permaslug,
        any_value(window_end_date) as window_end_date,
        any_value(median_session_cost_usd) filter (where turn_range = '1-turn') as short_usd,
        any_value(median_session_cost_usd) filter (where turn_range = '50-plus-turns') as long_usd
    from marts.fct_session_costs
    where date = (select max(newest.date) from marts.fct_session_costs as newest)
    group by date, app_slug, model_permaslug
),

spend as (
    select
        max(date) as spend_date,
        arg_max(spend_low_usd, date) as low_usd,
        arg_max(spend_mid_usd, date) as mid_usd,
        arg_max(spend_high_usd, date) as high_usd,
        arg_max(priced_pct, date) as priced_pct,
        arg_max(is_price_assumed, date) as is_price_assumed
    from marts.spend_total
    where spend_mid_usd is not null
),

sessions as (
    select
        coalesce(max(window_end_date), max(date)) as as_of_date,
        count(*) as pairs,
        median(short_usd) as short_usd,
        median(long_usd) as long_usd,
        median(long_usd / short_usd) as ratio,
        min(long_usd / short_usd) as least_ratio,
        max(long_usd / short_usd) as most_ratio
    from pairs
    where short_usd > 0 and long_usd > 0
),

figures as (
    select
        sessions.as_of_date,
        sessions.pairs,
        sessions.short_usd,
        sessions.long_usd,
        sessions.ratio,
        sessions.least_ratio,
        sessions.most_ratio,
        spend.spend_date,
        spend.low_usd,
        spend.mid_usd,
        spend.high_usd,
        spend.priced_pct,
        spend.is_price_assumed
    from sessions
    cross join spend
)

select
    'L1' as claim_id, -- number of the claim
    'Long sessions become expensive' as claim, -- in short
    'A' as grade, -- A exact, B estimate or proxy, C not public
    'fct_session_costs, spend_total' as tables, -- marts behind it
    'cost of the median session of 50 turns and more to that of one turn, median over pairs of app and model'
        as measure, -- what the value is
    'ratio' as unit, -- unit of the value
    ratio as value, -- the figure
    ratio as value_low, -- at least
    ratio as value_high, -- at most
    as_of_date, -- UTC day of the figure
    false as is_provisional, -- the figure may still be restated
    case
        when as_of_date is null then 'no data'
        when ratio >= 50 then 'supported'
        when ratio < 10 then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where a session of 50 turns and more costs at least 50 times one of a single turn, not supported below '
    || '10 times, mixed between. The verdict is on sessions: whether a turn gets cheaper or dearer is not known.'
        as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(as_of_date is null, 'No costs of sessions with a price are loaded.', null),
        format(
            'In the window until {}, the median session cost {:.4f} USD with one turn and {:.4f} USD with 50 turns or '
            || 'more (medians over {} pairs of app and model that are not free).',
            as_of_date,
            short_usd,
            long_usd,
            pairs
        ),
        format(
            'In the median pair that is {:.1f} times as much ({:.1f} to {:.1f} times over all pairs), for at least 50 '
            || 'times the turns.',
            ratio,
            least_ratio,
            most_ratio
        ),
        format(
            'The {:.1f} % of all tokens of {} that have a price cost {:.2f} M USD by the assumed mix of tokens, '
            || 'between {:.2f} M USD (prompts at the lowest price) and {:.2f} M USD (nothing cached){}.',
            priced_pct,
            spend_date,
            mid_usd / 1e6,
            low_usd / 1e6,
            high_usd / 1e6,
            if(is_price_assumed, ', some of them at prices of another day', '')
        ),
        'Public data cannot decide what a turn of a long session costs: neither the numbers of turns nor of sessions '
        || 'are published.'
    ) as finding -- the figures in words
from figures
