-- The newest day in one row.
select
    total.date,
    total.total_tokens,
    total.tokens_7d,
    total.growth_7d_pct,
    total.growth_28d_pct,
    total.growth_364d_pct,
    total.is_provisional,
    min(total.date) over () as first_date,
    (count(*) over ())::integer as days
from marts.growth_total as total
order by total.date desc
limit 1
