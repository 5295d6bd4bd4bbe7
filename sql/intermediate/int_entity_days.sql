-- Each entity's tokens on each calendar day of its series, with bounds where an item of it is below the cut-off: such
-- an item has at most the cut-off, all of them together have at most `other`. To a class of models may belong what no
-- catalogue describes, too.
-- grain: entity_id, day_number
-- check: low_tokens <= high_tokens
with series as (
    select
        entity_id,
        dimension,
        entity,
        board,
        told_by,
        is_complete,
        undescribed_entity,
        unnest(generate_series(first_day, last_day)) as day_number
    from intermediate.int_entities
),

-- The number of known items holds until the next step.
daily as (
    select
        series.entity_id,
        series.day_number,
        series.is_complete,
        series.told_by,
        days.is_loaded,
        days.has_catalogue,
        days.other_tokens,
        days.cutoff_tokens,
        coalesce(undescribed.total_tokens, 0) as undescribed_tokens,
        case
            when not series.is_complete then listed.total_tokens
            when series.dimension = 'total' then days.total_tokens
            else days.other_tokens
        end as total_tokens,
        case
            when series.is_complete then 0
            when series.told_by = 'itself' then if(listed.items is null, 1, 0)
            else coalesce(last_value(known.items ignore nulls) over history, 0) - coalesce(listed.items, 0)
        end as unlisted_items,
        case
            when series.is_complete then 0
            when series.told_by = 'itself' then if(listed.items is null, 1, 0)
            else coalesce(last_value(known.possible_items ignore nulls) over history, 0) - coalesce(listed.items, 0)
        end as possible_items
    from series
    inner join intermediate.int_board_days as days
        on series.board = days.board and series.day_number = days.day_number
    left join intermediate.int_entity_listings as listed
        on
            series.dimension = listed.dimension
            and series.entity = listed.entity
            and series.day_number = listed.day_number
    left join intermediate.int_entity_listings as undescribed
        on
            series.dimension = undescribed.dimension
            and series.undescribed_entity = undescribed.entity
            and series.day_number = undescribed.day_number
    left join intermediate.int_known_items as known
        on series.entity_id = known.entity_id and series.day_number = known.day_number
    window history as (
        partition by series.entity_id order by series.day_number rows between unbounded preceding and current row
    )
)

select
    entity_id, -- row of int_entities
    day_number, -- row of int_board_days
    total_tokens, -- what is listed of the entity; null where nothing is
    coalesce(total_tokens, 0) as low_tokens, -- lower bound: the unlisted items have none
    (
        coalesce(total_tokens, 0)
        + undescribed_tokens
        + case
            when is_complete or not is_loaded then 0
            when told_by = 'itself' or (told_by = 'catalogue' and has_catalogue)
                then greatest(0, least(other_tokens, possible_items * cutoff_tokens))
            else greatest(0, other_tokens)
        end
    )::bigint as high_tokens, -- upper bound; all of `other` where nothing tells the entity's items
    is_loaded and not is_complete and (
        undescribed_tokens > 0 or (other_tokens > 0 and (total_tokens is null or unlisted_items > 0))
    ) as is_unlisted -- something of it, or that may be of it, is not known to be listed; no day not loaded says so
from daily
