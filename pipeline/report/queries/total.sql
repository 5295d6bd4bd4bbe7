-- All tokens of each day, and the mean of the seven days until it.
select
    date,
    total_tokens,
    (tokens_7d / 7)::bigint as mean_7d_tokens,
    growth_7d_pct,
    is_provisional
from marts.growth_total
order by date
