-- Growth by author namespace, `other` included.
-- kind: view
-- grain: author, date
select
    entity as author, -- namespace before the slash, or `other`
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
where dimension = 'author'
