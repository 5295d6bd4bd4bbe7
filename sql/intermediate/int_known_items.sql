-- How many items of an entity are known to exist from a day of its series on: those that were ever listed by then, and
-- those that the catalogue of the day knows besides. More may have existed: those that were listed later, since their
-- launch, or all along where no catalogue tells it.
-- grain: entity_id, day_number
-- check: items between 0 and possible_items
with knowledge as (
    select
        item_id,
        true as is_known,
        first_listed_date as first_date,
        'infinity'::date as last_date
    from intermediate.int_items
    where first_listed_date is not null
    union all
    select
        items.item_id,
        true as is_known,
        runs.first_date,
        least(runs.last_date, items.first_listed_date - 1) as last_date
    from intermediate.int_catalogue_runs as runs
    inner join intermediate.int_items as items on runs.model_permaslug = items.item and items.board = 'rankings'
    union all
    select
        items.item_id,
        false as is_known,
        least(coalesce(matches.created_date, '-infinity'::date), items.first_listed_date) as first_date,
        'infinity'::date as last_date
    from intermediate.int_items as items
    left join intermediate.int_model_matches as matches on items.item_id = matches.item_id
    where items.first_listed_date is not null
    union all
    select
        items.item_id,
        false as is_known,
        runs.first_date,
        runs.last_date
    from intermediate.int_catalogue_runs as runs
    inner join intermediate.int_items as items on runs.model_permaslug = items.item and items.board = 'rankings'
    where items.first_listed_date is null
),

calendar as (
    select
        min(date) as first_date,
        max(date) as last_date
    from intermediate.int_days
),

belonging as (
    select
        members.dimension,
        members.entity,
        knowledge.is_known,
        greatest(knowledge.first_date, members.first_date, calendar.first_date) as first_date,
        least(knowledge.last_date, members.last_date) as last_date,
        calendar.first_date as first_day_date,
        calendar.last_date as last_day_date
    from knowledge
    inner join intermediate.int_members as members on knowledge.item_id = members.item_id
    cross join calendar
    where
        greatest(knowledge.first_date, members.first_date, calendar.first_date)
        <= least(knowledge.last_date, members.last_date, calendar.last_date)
),

-- One step up on the first day, one down on the day after the last; what began before the series begins with it.
steps as (
    select
        dimension,
        entity,
        is_known,
        (first_date - first_day_date)::integer as day_number,
        1 as step
    from belonging
    union all
    select
        dimension,
        entity,
        is_known,
        (last_date + 1 - first_day_date)::integer as day_number,
        -1 as step
    from belonging
    where last_date < last_day_date
),

daily as (
    select
        entities.entity_id,
        greatest(steps.day_number, entities.first_day) as day_number,
        coalesce(sum(steps.step) filter (where steps.is_known), 0) as known_step,
        coalesce(sum(steps.step) filter (where not steps.is_known), 0) as possible_step
    from steps
    inner join intermediate.int_entities as entities
        on steps.dimension = entities.dimension and steps.entity = entities.entity
    where entities.told_by <> 'itself' and not entities.is_complete
    group by all
),

added as (
    select
        entity_id,
        day_number,
        sum(known_step) over (partition by entity_id order by day_number) as items,
        sum(possible_step) over (partition by entity_id order by day_number) as possible_items
    from daily
)

select
    entity_id, -- row of int_entities
    day_number, -- day of its series from which on the numbers hold
    items::integer as items, -- known ones, listed or not
    greatest(items, possible_items)::integer as possible_items -- those that may have existed
from added
