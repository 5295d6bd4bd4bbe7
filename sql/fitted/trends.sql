-- Straight lines through the logarithm of a daily series with a level for each weekday, by least squares, with the
-- standard error of Newey and West. One line a span, through the newest days; of the total one a span and day.
-- kind: fitted
-- grain: dimension, entity, date, span
-- check: slope_per_day between slope_lowest_per_day - 1e-9 and slope_highest_per_day + 1e-9
-- check: slope_se_per_day >= 0
select
    dimension,
    entity,
    date, -- last UTC day of the span
    null::varchar as span, -- 28d, 90d, 365d, or all days of the stretch
    null::date as first_date, -- first UTC day of the span
    null::integer as days, -- days of the span
    null::double as slope_per_day, -- growth a day, in log points
    null::double as slope_se_per_day, -- its standard error (Newey-West)
    null::double as slope_lowest_per_day, -- the least slope that what is not listed allows
    null::double as slope_highest_per_day, -- the greatest
    null::double as critical_value, -- standard errors in half an interval (fixed-b, Kiefer and Vogelsang 2005)
    null::integer as lag_days, -- lags of the standard error: 1.3 times the root of the days, 14 at least
    null::double as residual_autocorrelation -- of one day with the next; near 1 the interval is too narrow
from fitted.series
where false
