-- The first loaded day without a model that was listed on the loaded day before, where it stays away for 7 days that
-- are all loaded. So near the newest day no end is known, and one after a day that is not loaded may have been on that
-- day. A model that comes back later may have several.
-- grain: model_permaslug, date
-- check: last_listed_date < date
with loaded as (
    select
        date,
        lead(date, 1) over (order by date) as next_date,
        lead(date, 7) over (order by date) as seventh_date
    from intermediate.int_days
    where is_loaded
),

listings as (
    select
        model_permaslug,
        date,
        rank,
        row_number() over listings as listed_days,
        lead(date) over listings as next_listed_date
    from marts.fct_model_tokens_daily
    where rank is not null
    window listings as (partition by model_permaslug order by date)
),

ends as (
    select
        listings.model_permaslug,
        listings.date as last_listed_date,
        listings.rank as last_rank,
        listings.listed_days,
        loaded.next_date as date
    from listings
    inner join loaded on listings.date = loaded.date
    where
        loaded.seventh_date = loaded.next_date + 6
        and coalesce(listings.next_listed_date > loaded.seventh_date, true)
)

select
    model_permaslug, -- permanent slug with `:variant`
    date, -- first UTC day without the model
    last_listed_date, -- last day on which it is listed before that
    last_rank, -- its position on last_listed_date
    (listed_days - lag(listed_days, 1, 0) over (partition by model_permaslug order by date))::integer
        as listed_days -- days on which it was listed since its last end, or in all before its first
from ends
