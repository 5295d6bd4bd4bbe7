-- Price indexes of matched models, and what a million tokens cost on average; null where no price of the day is known.
select
    date,
    base_date,
    fisher_index,
    tornqvist_index,
    unit_value_index,
    priced_pct,
    is_price_assumed,
    is_provisional
from marts.fct_price_index_daily
where fisher_index is not null
order by date
