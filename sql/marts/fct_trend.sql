-- How fast tokens double: the trend of the last 28, 90 and 365 days and of all days without a gap, by least squares on
-- the logarithm of daily tokens with a level for each weekday. The interval is that of Newey and West with the fixed-b
-- critical value, widened by what is not listed. It aims at 95 %, and covers less where is_interval_narrow, as one day
-- resembles the next, and few days cannot tell how much. Of the total each day has a row a span, else the newest day
-- only, of entities that are listed on each day of the span and have 0.1 % of all tokens or more. A trend describes its
-- days, and foretells nothing.
-- grain: dimension, entity, date, span
-- check: slope_low_per_day <= slope_per_day and slope_per_day <= slope_high_per_day
-- check: (doubling_time_days is not null) = (verdict = 'doubling')
-- check: doubling_time_low_days <= doubling_time_days and doubling_time_days <= doubling_time_high_days
-- check: halving_time_low_days <= halving_time_days and halving_time_days <= halving_time_high_days
-- check: (halving_time_days is not null) = (verdict = 'halving')
with provisional as (
    select
        dimension,
        entity,
        min(date) as first_date,
        max(date) as last_date
    from fitted.series
    where is_provisional
    group by dimension, entity
),

intervals as (
    select
        trends.*,
        trends.slope_lowest_per_day - trends.critical_value * trends.slope_se_per_day as slope_low_per_day,
        trends.slope_highest_per_day + trends.critical_value * trends.slope_se_per_day as slope_high_per_day,
        coalesce(
            trends.date >= provisional.first_date and trends.first_date <= provisional.last_date, false
        ) as is_provisional
    from fitted.trends as trends
    left join provisional
        on trends.dimension = provisional.dimension and trends.entity = provisional.entity
),

judged as (
    select
        *,
        case
            when slope_low_per_day > 0 then 'doubling'
            when slope_high_per_day < 0 then 'halving'
            else 'no doubling'
        end as verdict
    from intervals
)

select
    judged.dimension,
    judged.entity,
    judged.date,
    judged.span,
    judged.first_date,
    judged.days,
    judged.verdict, -- doubling or halving where the interval of the slope lies on one side of 0, else no doubling
    case when judged.verdict = 'doubling' then ln(2) / judged.slope_per_day end
        as doubling_time_days, -- days in which tokens double at this trend; null unless the verdict is doubling
    case when judged.verdict = 'doubling' then ln(2) / judged.slope_high_per_day end
        as doubling_time_low_days, -- at least, by the interval
    case when judged.verdict = 'doubling' then ln(2) / judged.slope_low_per_day end
        as doubling_time_high_days, -- at most, by the interval
    case when judged.verdict = 'halving' then -ln(2) / judged.slope_per_day end
        as halving_time_days, -- days in which tokens halve at this trend; null unless the verdict is halving
    case when judged.verdict = 'halving' then -ln(2) / judged.slope_low_per_day end
        as halving_time_low_days, -- at least, by the interval
    case when judged.verdict = 'halving' then -ln(2) / judged.slope_high_per_day end
        as halving_time_high_days, -- at most, by the interval
    100 * (exp(7 * judged.slope_per_day) - 1) as growth_per_week_pct, -- the trend as growth a week
    100 * (exp(7 * judged.slope_low_per_day) - 1) as growth_per_week_low_pct, -- at least, by the interval
    100 * (exp(7 * judged.slope_high_per_day) - 1) as growth_per_week_high_pct, -- at most, by the interval
    judged.slope_per_day,
    judged.slope_low_per_day, -- lower end of the interval
    judged.slope_high_per_day, -- upper end of the interval
    judged.slope_se_per_day,
    judged.critical_value,
    judged.lag_days,
    judged.residual_autocorrelation,
    judged.days < 365 or judged.residual_autocorrelation > 0.8
        as is_interval_narrow, -- below a year, or residual_autocorrelation above 0.8: it may cover far below 95 %
    judged.slope_highest_per_day > judged.slope_lowest_per_day
        as is_censored, -- something of the entity is not listed on a day of the span; the interval allows for it
    momentum.momentum_7d,
    momentum.acceleration_7d,
    judged.is_provisional -- a day of the span may still be restated
from judged
left join marts.fct_momentum_daily as momentum
    on
        judged.dimension = momentum.dimension
        and judged.entity = momentum.entity
        and judged.date = momentum.date
