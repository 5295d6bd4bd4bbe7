-- Shares of a dimension add up to 100 % on every day.
select
    dimension,
    date,
    sum(share_pct) as share_pct
from marts.fct_token_growth_daily
group by dimension, date
having abs(sum(share_pct) - 100) > 1e-6
