-- Growth accounting of every dimension starts from the total of the window before, of which each token is in one part,
-- and ends at that of the window.
select
    accounting.dimension,
    accounting.date,
    accounting.window_days,
    accounting.tokens_before,
    accounting.tokens_after,
    total.tokens_7d,
    total.tokens_28d
from marts.fct_growth_accounting as accounting
left join marts.growth_total as total on accounting.date = total.date
where
    accounting.tokens_after is distinct from if(accounting.window_days = 7, total.tokens_7d, total.tokens_28d)
    or accounting.tokens_before <> accounting.retained_tokens + accounting.contraction_tokens
    + accounting.churned_tokens + accounting.threshold_out_tokens + accounting.tail_before_tokens
    or accounting.change_tokens
    is distinct from if(accounting.window_days = 7, total.delta_7d_tokens, total.delta_28d_tokens)
