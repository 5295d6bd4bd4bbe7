-- Of what the growth of models consists, week by week: the last 26 weeks that end on the weekday of the newest day.
with weeks as (
    select
        date,
        tokens_before,
        new_tokens,
        resurrected_tokens,
        expansion_tokens,
        contraction_tokens,
        churned_tokens,
        threshold_in_tokens,
        threshold_out_tokens,
        tail_after_tokens - tail_before_tokens as tail_change_tokens,
        change_tokens,
        quick_ratio,
        is_provisional
    from marts.fct_growth_accounting
    where dimension = 'model' and window_days = 7
    qualify
        date_diff('day', date, max(date) over ()) % 7 = 0
        and date > max(date) over () - 182
)

select
    date,
    100 * new_tokens / tokens_before as new_pp,
    100 * resurrected_tokens / tokens_before as resurrected_pp,
    100 * expansion_tokens / tokens_before as expansion_pp,
    100 * threshold_in_tokens / tokens_before as threshold_in_pp,
    100 * greatest(tail_change_tokens, 0) / tokens_before as tail_gain_pp,
    -100 * contraction_tokens / tokens_before as contraction_pp,
    -100 * churned_tokens / tokens_before as churned_pp,
    -100 * threshold_out_tokens / tokens_before as threshold_out_pp,
    100 * least(tail_change_tokens, 0) / tokens_before as tail_loss_pp,
    100 * change_tokens / tokens_before as growth_pct,
    quick_ratio,
    is_provisional
from weeks
where tokens_before > 0
order by date
