-- What the tokens of a day cost: by the cheapest reading, by the assumed mix of tokens, by the dearest.
select
    date,
    spend_low_usd,
    spend_mid_usd,
    spend_high_usd,
    priced_pct,
    is_price_assumed,
    is_provisional
from marts.spend_total
where spend_mid_usd is not null
order by date
