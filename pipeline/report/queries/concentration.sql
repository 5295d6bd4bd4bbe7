-- How many equal models, or authors, would spread use as evenly as the real ones: the least and the most that can be.
select
    date,
    dimension,
    effective_number_low,
    effective_number_high,
    is_provisional
from marts.fct_concentration_daily
where dimension in ('model', 'author')
order by dimension, date
