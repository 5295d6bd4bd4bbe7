-- The steps of every waterfall add up to the change of the total, and their starts and ends to those of the total.
with added as (
    select
        dimension,
        date,
        window_days,
        sum(tokens_before) as tokens_before,
        sum(tokens_after) as tokens_after,
        sum(change_tokens) as change_tokens,
        sum(contribution_pp) as contribution_pp
    from marts.rpt_growth_explained
    group by dimension, date, window_days
)

select
    added.dimension,
    added.date,
    added.window_days,
    added.tokens_after,
    added.change_tokens,
    added.contribution_pp,
    if(added.window_days = 7, total.tokens_7d, total.tokens_28d) as expected_tokens_after,
    if(added.window_days = 7, total.delta_7d_tokens, total.delta_28d_tokens) as expected_change_tokens,
    if(added.window_days = 7, total.growth_7d_pct, total.growth_28d_pct) as expected_contribution_pp
from added
inner join marts.growth_total as total on added.date = total.date
where
    added.tokens_after <> if(added.window_days = 7, total.tokens_7d, total.tokens_28d)
    or added.change_tokens <> if(added.window_days = 7, total.delta_7d_tokens, total.delta_28d_tokens)
    or abs(added.contribution_pp - if(added.window_days = 7, total.growth_7d_pct, total.growth_28d_pct)) > 1e-6
