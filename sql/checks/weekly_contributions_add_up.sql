-- Contributions of the slices that lie within no other add up to the growth of `all`, over one week and over four.
with added as (
    select
        dimension,
        week_start_date,
        sum(contribution_1w_pp) as contributions_1w_pp,
        sum(contribution_4w_pp) as contributions_4w_pp
    from marts.fct_token_growth_weekly
    where entity <> 'all' and parent_entity is null
    group by dimension, week_start_date
),

compared as (
    select
        wholes.dimension,
        wholes.week_start_date,
        unnest(['1w', '4w']) as compared_over,
        unnest([added.contributions_1w_pp, added.contributions_4w_pp]) as contributions_pp,
        unnest([wholes.growth_1w_pct, wholes.growth_4w_pct]) as growth_pct
    from marts.fct_token_growth_weekly as wholes
    left join added on wholes.dimension = added.dimension and wholes.week_start_date = added.week_start_date
    where wholes.entity = 'all'
)

select
    dimension,
    week_start_date,
    compared_over,
    contributions_pp,
    growth_pct
from compared
where
    (contributions_pp is null) <> (growth_pct is null)
    or abs(contributions_pp - growth_pct) > 1e-9 * greatest(1, abs(growth_pct))
