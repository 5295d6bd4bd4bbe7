-- The newest day of every dimension.
-- kind: view
-- grain: dimension, entity, date
select
    dimension,
    entity,
    date,
    total_tokens,
    tokens_7d,
    tokens_7d_low,
    tokens_7d_high,
    growth_1d_pct,
    growth_7d_pct,
    growth_7d_low_pct,
    growth_7d_high_pct,
    growth_7d_listed_pct,
    growth_28d_pct,
    growth_28d_low_pct,
    growth_28d_high_pct,
    growth_28d_listed_pct,
    growth_364d_pct,
    contribution_7d_pp,
    contribution_28d_pp,
    share_pct,
    share_change_7d_pp,
    rank,
    rank_change_7d,
    is_provisional,
    is_censored,
    is_growth_7d_censored
from marts.fct_token_growth_daily
qualify date = max(date) over (partition by dimension)
