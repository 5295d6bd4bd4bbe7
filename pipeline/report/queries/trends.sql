-- Growth a week with its interval: of all tokens over each span, one of those that are the same days, and of the
-- organisations over 28 days.
with newest as (
    select *
    from marts.fct_trend
    where dimension = 'total' or (dimension = 'organisation' and span = '28d')
    qualify
        date = max(date) over ()
        and row_number() over (partition by dimension, entity, date, days order by span asc) = 1
)

select
    newest.dimension,
    newest.entity,
    newest.date,
    newest.span,
    newest.days,
    newest.growth_per_week_pct,
    newest.growth_per_week_low_pct,
    newest.growth_per_week_high_pct,
    newest.verdict,
    newest.doubling_time_days,
    newest.doubling_time_low_days,
    newest.doubling_time_high_days,
    newest.halving_time_days,
    newest.halving_time_low_days,
    newest.halving_time_high_days,
    newest.is_interval_narrow,
    newest.is_provisional
from newest
inner join marts.fct_token_growth_daily as growth
    on newest.dimension = growth.dimension and newest.entity = growth.entity and newest.date = growth.date
order by newest.dimension desc, newest.days asc, growth.share_pct desc, newest.entity asc
limit 14
