-- The tokens of each listed item on each loaded day of its board. Boards that list all have a row for a slice that
-- nobody used.
-- grain: item_id, day_number
-- check: total_tokens >= 0
with listed as (
    select
        'rankings' as board,
        model_permaslug as item,
        date,
        total_tokens
    from staging.stg_rankings_daily
    union all
    select
        'apps' as board,
        app_id::varchar as item,
        date,
        total_tokens
    from staging.stg_app_rankings_daily
    union all
    select
        board,
        slice as item,
        date,
        total_tokens
    from intermediate.int_slice_days
)

select
    items.item_id, -- row of int_items
    days.day_number, -- row of int_board_days
    days.date,
    listed.total_tokens -- prompt and completion tokens
from listed
inner join intermediate.int_items as items on listed.board = items.board and listed.item = items.item
inner join intermediate.int_board_days as days
    on listed.board = days.board and listed.date = days.date and days.is_loaded
