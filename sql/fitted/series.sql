-- The daily series that statistics are fitted to: stretches of consecutive loaded days on each of which something is
-- listed of an entity, 28 days or more with 0.1 % or more of all tokens.
-- grain: dimension, entity, date
-- check: total_tokens between 1 and high_tokens
with listed as (
    select
        entities.dimension,
        entities.entity,
        entities.board,
        boards.date,
        boards.total_tokens as all_tokens,
        boards.is_provisional,
        days.total_tokens,
        days.high_tokens,
        days.day_number - row_number() over (partition by days.entity_id order by days.day_number) as stretch
    from intermediate.int_entity_days as days
    inner join intermediate.int_entities as entities on days.entity_id = entities.entity_id
    inner join intermediate.int_board_days as boards
        on entities.board = boards.board and days.day_number = boards.day_number
    where boards.is_loaded and days.total_tokens > 0 and entities.entity <> 'other'
),

stretches as (
    select
        dimension,
        entity,
        stretch,
        min(date) as first_date,
        max(date) as last_date
    from listed
    group by dimension, entity, stretch
    having count(*) >= 28 and 1000 * sum(total_tokens) >= sum(all_tokens)
),

newest as (
    select
        board,
        max(date) as date
    from intermediate.int_board_days
    where is_loaded
    group by board
)

select
    listed.dimension, -- dimension of the growth table
    listed.entity, -- entity of the dimension
    listed.date,
    stretches.first_date as stretch_start_date, -- first day of its stretch
    listed.total_tokens, -- tokens of the day, as far as they are listed
    listed.high_tokens, -- the most that they can be
    listed.is_provisional,
    stretches.last_date = newest.date as is_current -- the stretch lasts to the newest day that is loaded
from listed
inner join stretches
    on
        listed.dimension = stretches.dimension
        and listed.entity = stretches.entity
        and listed.stretch = stretches.stretch
inner join newest on listed.board = newest.board
