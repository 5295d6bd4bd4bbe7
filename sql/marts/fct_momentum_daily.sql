-- Whether growth speeds up or slows down: momentum is the change of the logarithm of a week's tokens against the week
-- before, acceleration the change of momentum against a week earlier. Null where a week of those is not known exactly.
-- kind: view
-- grain: dimension, entity, date
select
    growth.dimension,
    growth.entity,
    growth.date,
    ln(1 + growth.growth_7d_pct / 100) as momentum_7d, -- ln of the 7 days to the 7 before; 0.69 is twice as much
    ln(1 + growth.growth_7d_pct / 100) - ln(1 + earlier.growth_7d_pct / 100)
        as acceleration_7d, -- momentum_7d against that of a week earlier
    growth.is_growth_7d_provisional as is_provisional -- a day of the two weeks may still be restated
from marts.fct_token_growth_daily as growth
left join marts.fct_token_growth_daily as earlier
    on
        growth.dimension = earlier.dimension
        and growth.entity = earlier.entity
        and growth.date - 7 = earlier.date
where growth.growth_7d_pct > -100
