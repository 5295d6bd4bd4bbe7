-- Everything that a board lists or a catalogue knows, under a short key. A board is a daily list: the models of the
-- rankings, the apps of the app rankings, the context buckets, the modalities.
-- grain: board, item
-- check: first_listed_date <= last_listed_date
with listed as (
    select
        'rankings' as board,
        model_permaslug as item,
        min(date) as first_listed_date,
        max(date) as last_listed_date
    from staging.stg_rankings_daily
    where model_permaslug <> 'other'
    group by model_permaslug
    union all
    select
        'apps' as board,
        app_id::varchar as item,
        min(date) as first_listed_date,
        max(date) as last_listed_date
    from staging.stg_app_rankings_daily
    group by app_id
    union all
    select
        board,
        slice as item,
        min(date) as first_listed_date,
        max(date) as last_listed_date
    from intermediate.int_slice_days
    group by board, slice
),

in_catalogues as (
    select distinct model_permaslug
    from intermediate.int_catalogue_runs
),

named as (
    select
        board,
        item,
        first_listed_date,
        last_listed_date
    from listed
    union all
    select
        'rankings' as board,
        in_catalogues.model_permaslug as item,
        null as first_listed_date,
        null as last_listed_date
    from in_catalogues
    anti join listed on in_catalogues.model_permaslug = listed.item and listed.board = 'rankings'
)

select
    (row_number() over (order by board, item))::integer as item_id, -- short key
    board, -- rankings, apps, contexts or modalities
    item, -- permanent slug with `:variant`, number of the app, context bucket or modality
    first_listed_date, -- first UTC day on which the board lists it; null where only a catalogue knows it
    last_listed_date -- last UTC day on which the board lists it
from named
