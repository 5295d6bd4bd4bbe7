-- Contributions of all entities of a dimension add up to the total's week-on-week growth.
with added as (
    select
        dimension,
        date,
        sum(contribution_7d_pp) as contributions_pp
    from marts.fct_token_growth_daily
    where dimension <> 'total'
    group by dimension, date
)

select
    added.dimension,
    added.date,
    added.contributions_pp,
    total.growth_7d_pct
from added
inner join marts.fct_token_growth_daily as total on added.date = total.date and total.dimension = 'total'
where
    (added.contributions_pp is null) <> (total.growth_7d_pct is null)
    or abs(added.contributions_pp - total.growth_7d_pct) > 1e-9 * greatest(1, abs(total.growth_7d_pct))
