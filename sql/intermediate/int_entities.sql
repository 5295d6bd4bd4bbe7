-- Every entity whose growth is measured, with the days of its series: from its first listing until 55 days after its
-- last, so that windows of 28 days show it leaving, at most to the newest day of its board. Its daily bounds start 55
-- days earlier, for the sake of its first windows and those before them.
-- grain: dimension, entity
-- check: first_day <= last_day
with boards as (
    select
        board,
        min(day_number) as first_loaded_day,
        max(day_number) as last_loaded_day
    from intermediate.int_board_days
    where is_loaded
    group by board
),

listed as (
    select
        dimension,
        entity,
        min(day_number) as first_listed_day,
        max(day_number) as last_listed_day
    from intermediate.int_entity_listings
    group by dimension, entity
    union all
    select
        dimensions.dimension,
        if(dimensions.dimension = 'total', 'all', 'other') as entity,
        boards.first_loaded_day as first_listed_day,
        boards.last_loaded_day as last_listed_day
    from intermediate.int_dimensions as dimensions
    inner join boards on dimensions.board = boards.board
    where dimensions.is_partition
)

select
    (row_number() over (order by listed.dimension, listed.entity))::integer as entity_id, -- short key
    listed.dimension, -- row of int_dimensions
    listed.entity, -- its name; `all` of the total, `other` for what the board does not list
    dimensions.board, -- board that it sums up
    if(listed.entity = dimensions.open_entity, 'nothing', dimensions.told_by)
        as told_by, -- what tells its items: itself, the catalogue of the day, or nothing
    -- A free variant is told by its slug.
    if(
        dimensions.may_be_any and listed.entity not in ('other', 'free_variant', dimensions.open_entity),
        dimensions.open_entity,
        null
    ) as undescribed_entity, -- entity of what is listed and may be of this one, as no catalogue describes it; or null
    listed.dimension = 'total' or (listed.entity = 'other' and dimensions.is_partition)
        as is_complete, -- never below the cut-off
    listed.first_listed_day, -- day_number of the first day of its series
    greatest(listed.first_listed_day - 55, boards.first_loaded_day)
        as first_day, -- day_number of its first daily bounds
    least(listed.last_listed_day + 55, boards.last_loaded_day) as last_day -- day_number of the last day of its series
from listed
inner join intermediate.int_dimensions as dimensions on listed.dimension = dimensions.dimension
inner join boards on dimensions.board = boards.board
