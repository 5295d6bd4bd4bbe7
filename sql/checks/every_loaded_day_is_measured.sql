-- Every loaded day has its total, and no other day has one.
select
    days.date,
    days.is_loaded,
    growth.date as measured_date
from marts.dim_date as days
full join marts.growth_total as growth on days.date = growth.date
where coalesce(days.is_loaded, false) <> (growth.date is not null)
