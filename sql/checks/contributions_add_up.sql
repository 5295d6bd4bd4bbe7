-- Contributions of all entities of a dimension add up to the total's growth, over 7 and over 28 days.
with added as (
    select
        growth.dimension,
        dimensions.board,
        growth.date,
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
    added.dimension,
    added.date,
    added.delta_7d_tokens,
    total.delta_7d_tokens as expected_delta_7d_tokens,
    added.delta_28d_tokens,
    total.delta_28d_tokens as expected_delta_28d_tokens,
    added.contribution_7d_pp,
    total.growth_7d_pct,
    added.contribution_28d_pp,
    total.growth_28d_pct
from added
inner join marts.fct_token_growth_daily as total on added.date = total.date and total.dimension = 'total'
where
    added.delta_7d_tokens <> total.delta_7d_tokens
    or added.delta_28d_tokens <> total.delta_28d_tokens
    or abs(added.contribution_7d_pp - total.growth_7d_pct) > 1e-9 * greatest(1, abs(total.growth_7d_pct))
    or abs(added.contribution_28d_pp - total.growth_28d_pct) > 1e-9 * greatest(1, abs(total.growth_28d_pct))
    -- What is loaded of the rankings is all that there is of the total; other boards may lack days.
    or (added.board = 'rankings' and (added.contribution_7d_pp is null) <> (total.growth_7d_pct is null))
    or (added.board = 'rankings' and (added.contribution_28d_pp is null) <> (total.growth_28d_pct is null))
