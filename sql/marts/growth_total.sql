-- Growth of all public traffic, one row a day.
-- kind: view
-- grain: date
select
    date,
    total_tokens,
    tokens_7d,
    tokens_7d_low,
    tokens_7d_high,
    growth_1d_pct,
    growth_7d_pct,
    growth_7d_low_pct,
    growth_7d_high_pct,
    tokens_28d,
    growth_28d_pct,
    growth_364d_pct,
    delta_1d_tokens,
    delta_7d_tokens,
    delta_28d_tokens,
    is_provisional
from marts.fct_token_growth_daily
where dimension = 'total'
