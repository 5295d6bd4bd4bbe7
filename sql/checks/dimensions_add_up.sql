-- Every dimension that parts all tokens adds up to the total: tokens and their changes over 7 and over 28 days to the
-- last one, shares and contributions as far as floats carry. So do the waterfalls, which show these columns. What is
-- loaded of the rankings is all that there is of the total, so that their dimensions have growth wherever it has; other
-- boards may lack days.
with added as (
    select
        growth.dimension,
        dimensions.board,
        growth.date,
        sum(growth.total_tokens) as total_tokens,
        sum(growth.share_pct) as share_pct,
        sum(growth.tokens_7d_low) as tokens_7d,
        sum(growth.tokens_28d_low) as tokens_28d,
        sum(growth.delta_7d_tokens) as delta_7d_tokens,
        sum(growth.delta_28d_tokens) as delta_28d_tokens,
        sum(growth.contribution_7d_pp) as contribution_7d_pp,
        sum(growth.contribution_28d_pp) as contribution_28d_pp
    from marts.fct_token_growth_daily as growth
    inner join intermediate.int_dimensions as dimensions on growth.dimension = dimensions.dimension
    where dimensions.is_partition
    group by growth.dimension, dimensions.board, growth.date
)

select
    added.*,
    total.total_tokens as expected_tokens,
    total.tokens_7d as expected_tokens_7d,
    total.tokens_28d as expected_tokens_28d,
    total.delta_7d_tokens as expected_delta_7d_tokens,
    total.delta_28d_tokens as expected_delta_28d_tokens,
    total.growth_7d_pct,
    total.growth_28d_pct
from added
left join marts.growth_total as total on added.date = total.date
where
    added.total_tokens is distinct from total.total_tokens
    or abs(added.share_pct - 100) > 1e-6
    or added.tokens_7d <> total.tokens_7d
    or added.tokens_28d <> total.tokens_28d
    or added.delta_7d_tokens <> total.delta_7d_tokens
    or added.delta_28d_tokens <> total.delta_28d_tokens
    or abs(added.contribution_7d_pp - total.growth_7d_pct) > 1e-9 * greatest(1, abs(total.growth_7d_pct))
    or abs(added.contribution_28d_pp - total.growth_28d_pct) > 1e-9 * greatest(1, abs(total.growth_28d_pct))
    or (added.board = 'rankings' and (added.contribution_7d_pp is null) <> (total.growth_7d_pct is null))
    or (added.board = 'rankings' and (added.contribution_28d_pp is null) <> (total.growth_28d_pct is null))
