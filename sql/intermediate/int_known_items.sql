-- How many items of an entity are known to exist from a day of its series on: those that were ever listed by then, and
-- those that the catalogue of the day knows besides.
-- grain: entity_id, day_number
-- check: items >= 0
with knowledge as (
    select
        item_id,
        first_listed_date as first_date,
        'infinity'::date as last_date
    from intermediate.int_items
    where first_listed_date is not null
    union all
    select
        items.item_id,
        runs.first_date,
        least(runs.last_date, items.first_listed_date - 1) as last_date
    from intermediate.int_catalogue_runs as runs
    inner join intermediate.int_items as items on runs.model_permaslug = items.item and items.board = 'rankings'
),

belonging as (
    select
        members.dimension,
        members.entity,
        greatest(knowledge.first_date, members.first_date) as first_date,
        least(knowledge.last_date, members.last_date) as last_date
    from knowledge
    inner join intermediate.int_members as members on knowledge.item_id = members.item_id
),

calendar as (
    select
        min(date) as first_date,
        max(date) as last_date
    from intermediate.int_days
),

-- One step up on the first day, one down on the day after the last; what began before the series begins with it.
steps as (
    select
        belonging.dimension,
        belonging.entity,
        (greatest(belonging.first_date, calendar.first_date) - calendar.first_date)::integer as day_number,
        1 as step
    from belonging
    cross join calendar
    where
        belonging.first_date <= belonging.last_date
        and belonging.first_date <= calendar.last_date
        and belonging.last_date >= calendar.first_date
    union all
    select
        belonging.dimension,
        belonging.entity,
        (belonging.last_date + 1 - calendar.first_date)::integer as day_number,
        -1 as step
    from belonging
    cross join calendar
    where
        belonging.first_date <= belonging.last_date
        and belonging.last_date >= calendar.first_date
        and belonging.last_date < calendar.last_date
),

daily as (
    select
        entities.entity_id,
        greatest(steps.day_number, entities.first_day) as day_number,
        sum(steps.step) as step
    from steps
    inner join intermediate.int_entities as entities
        on steps.dimension = entities.dimension and steps.entity = entities.entity
    where entities.told_by <> 'itself' and not entities.is_complete
    group by all
)

select
    entity_id, -- row of int_entities
    day_number, -- day of its series from which on the number holds
    (sum(step) over (partition by entity_id order by day_number))::integer as items -- known ones, listed or not
from daily
