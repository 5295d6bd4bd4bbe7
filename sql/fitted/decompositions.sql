-- Trend, weekly season and remainder of the logarithm of each stretch of 56 days or more: robust STL with a period of 7
-- days (Cleveland et al. 1990). They add up to the logarithm of the day's tokens.
-- kind: fitted
-- grain: dimension, entity, date
select
    dimension,
    entity,
    stretch_start_date,
    date,
    null::double as log_trend, -- logarithm of the trend in tokens
    null::double as log_season, -- logarithm of the weekday's factor
    null::double as log_remainder, -- what neither explains
    null::double as log_plain_remainder -- what plain STL does not explain, which an unusual day bends to itself
from fitted.series
where false
