-- Shares of a dimension add up to 100 % on every day.
select
    growth.dimension,
    growth.date,
    sum(growth.share_pct) as share_pct
from marts.fct_token_growth_daily as growth
inner join intermediate.int_dimensions as dimensions on growth.dimension = dimensions.dimension
where dimensions.is_partition
group by growth.dimension, growth.date
having abs(sum(growth.share_pct) - 100) > 1e-6
