-- The week's shape by calendar year: what a weekday has of a mean day's tokens, as robust STL finds it over the days of
-- the year, of entities with stretches of 56 days or more.
-- grain: dimension, entity, year, weekday
-- check: factor_low_ratio <= factor_ratio and factor_ratio <= factor_high_ratio
-- check: weekday between 1 and 7
select
    dimension,
    entity,
    year(date)::integer as year, -- calendar year
    isodow(date)::integer as weekday, -- 1 is Monday, 7 is Sunday
    any_value(dayname(date)) as weekday_name, -- in English
    exp(round(avg(log_season), 9)) as factor_ratio, -- tokens of the weekday to those of a mean day, geometric mean
    exp(round(min(log_season), 9)) as factor_low_ratio, -- the least of a week of the year
    exp(round(max(log_season), 9)) as factor_high_ratio, -- the greatest of a week of the year
    count(*)::integer as weeks -- days of this weekday
from fitted.decompositions
group by dimension, entity, year(date), isodow(date)
