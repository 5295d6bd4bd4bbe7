-- Daily tokens without the weekday: each day of a stretch of 56 days or more, divided by the factor of its weekday as
-- robust STL finds it at that time, with the trend and the growth of what is left.
-- grain: dimension, entity, date
-- check: weekday_factor_ratio > 0 and adjusted_tokens > 0 and trend_tokens > 0
select
    series.dimension,
    series.entity,
    series.date,
    parts.stretch_start_date,
    series.total_tokens,
    series.total_tokens / exp(parts.log_season) as adjusted_tokens, -- tokens of the day without its weekday
    exp(parts.log_trend) as trend_tokens, -- tokens of the day by the trend alone
    exp(parts.log_season) as weekday_factor_ratio, -- tokens of the weekday to those of a mean day, at that time
    100 * (exp(parts.log_remainder) - 1) as remainder_pct, -- the day against trend and weekday
    100 * (series.total_tokens::double / nullif(lag(series.total_tokens) over stretch, 0) - 1)
        as growth_1d_pct, -- against the day before; swings with the weekday
    100 * (
        series.total_tokens / exp(parts.log_season)
        / lag(series.total_tokens / exp(parts.log_season)) over stretch - 1
    ) as growth_1d_adjusted_pct, -- against the day before, both without their weekday
    100 * (exp(parts.log_trend - lag(parts.log_trend, 7) over stretch) - 1) as growth_7d_trend_pct, -- of the trend
    series.is_provisional
from fitted.series as series
inner join fitted.decompositions as parts
    on series.dimension = parts.dimension and series.entity = parts.entity and series.date = parts.date
window stretch as (partition by series.dimension, series.entity, parts.stretch_start_date order by series.date)
