-- Every calendar day from the first loaded day to the newest, loaded or not.
-- grain: date
select
    date,
    year(date)::integer as year, -- calendar year
    month(date)::integer as month, -- 1 to 12
    isoyear(date)::integer as iso_year, -- year of the ISO week
    weekofyear(date)::integer as iso_week, -- 1 to 53
    isodow(date)::integer as iso_weekday, -- 1 is Monday
    isodow(date) >= 6 as is_weekend, -- Saturday or Sunday
    is_loaded,
    coalesce(is_provisional, false) as is_provisional, -- the day may still be restated
    total_tokens, -- tokens of all public traffic; null where the day is not loaded
    as_of, -- instant (UTC) as of which the source states the day
    source -- rankings-daily or exports
from intermediate.int_days
