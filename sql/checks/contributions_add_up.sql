-- The steps of every waterfall, over 7 and over 28 days, add up to the change of the total: tokens to the last one,
-- contributions as far as floats carry. What is loaded of the rankings is all that there is of the total, so that their
-- dimensions have a waterfall wherever the total has growth; other boards may lack days.
with added as (
    select
        dimension,
        date,
        window_days,
        sum(tokens_after) as tokens_after,
        sum(change_tokens) as change_tokens,
        sum(contribution_pp) as contribution_pp
    from marts.rpt_growth_explained
    group by dimension, date, window_days
),

expected as (
    select
        dimensions.dimension,
        dimensions.board,
        total.date,
        windows.window_days,
        if(windows.window_days = 7, total.tokens_7d, total.tokens_28d) as tokens_after,
        if(windows.window_days = 7, total.delta_7d_tokens, total.delta_28d_tokens) as change_tokens,
        if(windows.window_days = 7, total.growth_7d_pct, total.growth_28d_pct) as growth_pct
    from marts.growth_total as total
    cross join marts.dim_dimension as dimensions
    cross join (values (7), (28)) as windows (window_days)
    where dimensions.is_partition and dimensions.dimension <> 'total'
)

select
    expected.dimension,
    expected.date,
    expected.window_days,
    added.tokens_after,
    expected.tokens_after as expected_tokens_after,
    added.change_tokens,
    expected.change_tokens as expected_change_tokens,
    added.contribution_pp,
    expected.growth_pct
from expected
left join added
    on
        expected.dimension = added.dimension
        and expected.date = added.date
        and expected.window_days = added.window_days
where
    added.tokens_after <> expected.tokens_after
    or added.change_tokens <> expected.change_tokens
    or abs(added.contribution_pp - expected.growth_pct) > 1e-9 * greatest(1, abs(expected.growth_pct))
    or (expected.board = 'rankings' and (added.date is null) <> (expected.growth_pct is null))
