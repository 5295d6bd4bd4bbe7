-- Every entity whose growth is measured, with the days of its series: from its first listing until 28 days after
-- its last, at most to the newest day. Its daily bounds start 27 days earlier, for the sake of its first windows.
-- grain: dimension, entity
-- check: first_day <= last_day
with loaded as (
    select
        min(date) as first_date,
        max(date) as last_date
    from intermediate.int_days
),

listed as (
    select
        members.dimension,
        members.entity,
        min(models.first_listed_date) as first_listed_date,
        max(models.last_listed_date) as last_listed_date
    from intermediate.int_members as members
    inner join intermediate.int_models as models on members.model_id = models.model_id
    group by members.dimension, members.entity
    union all
    select
        complete.dimension,
        complete.entity,
        loaded.first_date as first_listed_date,
        loaded.last_date as last_listed_date
    from loaded
    cross join (
        values ('total', 'all'), ('author', 'other'), ('model', 'other'), ('variant', 'other')
    ) as complete (dimension, entity)
    where loaded.first_date is not null
)

select
    (row_number() over (order by listed.dimension, listed.entity))::integer as entity_id, -- short key
    listed.dimension, -- total, author, model or variant
    listed.entity, -- `all`, `other`, an author, a model or a variant
    listed.dimension = 'total' or listed.entity = 'other' as is_complete, -- never below the cut-off
    listed.first_listed_date, -- first day of its series
    (greatest(listed.first_listed_date - 27, loaded.first_date) - loaded.first_date)::integer
        as first_day, -- day_number of its first daily bounds
    (least(listed.last_listed_date + 28, loaded.last_date) - loaded.first_date)::integer
        as last_day -- day_number of the last day of its series
from listed
cross join loaded
