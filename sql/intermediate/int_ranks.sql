-- Position of each listed entity on each day within its dimension: by tokens, ties by name, as OpenRouter does.
-- grain: entity_id, day_number
-- check: rank >= 1
select
    entity_days.entity_id, -- row of int_entities
    entity_days.day_number, -- row of int_days
    (row_number() over (
        partition by entities.dimension, entity_days.day_number
        order by entity_days.total_tokens desc, entity_days.entity_id asc
    ))::integer as rank -- 1 is the largest; the keys of a dimension are in the order of its names
from intermediate.int_entity_days as entity_days
inner join intermediate.int_entities as entities on entity_days.entity_id = entities.entity_id
where entity_days.total_tokens is not null and not entities.is_complete
