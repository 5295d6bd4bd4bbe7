-- What is listed of all entities of a dimension, `other` included, adds up to the total of the day.
with added as (
    select
        growth.dimension,
        growth.date,
        sum(growth.total_tokens) as total_tokens
    from marts.fct_token_growth_daily as growth
    inner join intermediate.int_dimensions as dimensions on growth.dimension = dimensions.dimension
    where dimensions.is_partition
    group by growth.dimension, growth.date
)

select
    added.dimension,
    added.date,
    added.total_tokens,
    total.total_tokens as expected_tokens
from added
inner join marts.fct_token_growth_daily as total on added.date = total.date and total.dimension = 'total'
where added.total_tokens is distinct from total.total_tokens
