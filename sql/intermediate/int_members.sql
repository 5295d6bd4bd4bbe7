-- Which item belongs to which entity of each dimension, from which day to which. A new dimension is one more branch
-- here and one more row in int_dimensions.
-- grain: dimension, item_id, first_date
-- check: first_date <= last_date
with loaded as (
    select min(date) as first_date
    from intermediate.int_days
),

models as (
    select
        items.item_id,
        items.item as model_permaslug,
        split_part(items.item, '/', 1) as author,
        coalesce(nullif(split_part(items.item, ':', 2), ''), 'standard') as variant,
        items.first_listed_date,
        least(items.first_listed_date, matches.created_date) as launch_date,
        matches.created_date is null and items.first_listed_date = loaded.first_date as was_there_before
    from intermediate.int_items as items
    inner join intermediate.int_model_matches as matches on items.item_id = matches.item_id
    cross join loaded
),

-- The first row of a namespace counts for all days before it, too.
organisations as (
    select
        author,
        organisation,
        if(lag(since_date) over history is null, '-infinity'::date, since_date) as first_date,
        coalesce(lead(since_date) over history - 1, 'infinity'::date) as last_date
    from curated.organisations
    window history as (partition by author order by since_date)
),

-- Days since the launch. A model without a known launch that is listed on the first day of all may be of any age then.
ages as (
    select
        known.was_there_before,
        known.entity,
        known.first_day,
        known.last_day
    from (
        values
        (false, '0-30 days', null, 30),
        (false, '31-90 days', 31, 90),
        (false, '91+ days', 91, null),
        (true, 'unknown', null, 90),
        (true, '91+ days', 91, null)
    ) as known (was_there_before, entity, first_day, last_day)
),

-- The last row of a day counts; where an app is in several lists, a subcategory tells more than a category, and then
-- the one with most use.
app_places as (
    select
        app_id,
        date,
        category
    from staging.stg_app_categories
    qualify row_number() over (
        partition by app_id, date
        order by is_subcategory desc, total_tokens desc, rank asc, part asc
    ) = 1
),

app_moves as (
    select
        app_id,
        date,
        category,
        lag(date) over (partition by app_id order by date) is null as is_first
    from app_places
    qualify category is distinct from lag(category) over (partition by app_id order by date)
),

app_categories as (
    select
        app_id,
        category,
        if(is_first, '-infinity'::date, date) as first_date,
        coalesce(lead(date) over (partition by app_id order by date) - 1, 'infinity'::date) as last_date
    from app_moves
),

lasting as (
    select
        'model' as dimension,
        model_permaslug as entity,
        item_id
    from models
    union all
    select
        'author' as dimension,
        author as entity,
        item_id
    from models
    union all
    select
        'variant' as dimension,
        variant as entity,
        item_id
    from models
    union all
    select
        'app' as dimension,
        apps.entity,
        items.item_id
    from intermediate.int_items as items
    inner join intermediate.int_apps as apps on items.item = apps.app_id::varchar
    where items.board = 'apps'
    union all
    select
        if(board = 'contexts', 'context_bucket', 'modality') as dimension,
        item as entity,
        item_id
    from intermediate.int_items
    where board in ('contexts', 'modalities')
),

changing as (
    select
        'organisation' as dimension,
        coalesce(organisations.organisation, models.author) as entity,
        models.item_id,
        coalesce(organisations.first_date, '-infinity'::date) as first_date,
        coalesce(organisations.last_date, 'infinity'::date) as last_date
    from models
    left join organisations on models.author = organisations.author
    union all
    select
        dimension,
        entity,
        item_id,
        first_date,
        last_date
    from intermediate.int_model_traits
    unpivot (entity for dimension in (price_class, weights, reasoning, tokenizer))
    union all
    select
        'model_age' as dimension,
        ages.entity,
        models.item_id,
        coalesce(models.launch_date + ages.first_day, '-infinity'::date) as first_date,
        coalesce(models.launch_date + ages.last_day, 'infinity'::date) as last_date
    from models
    inner join ages on models.was_there_before = ages.was_there_before
    union all
    select
        'app_category' as dimension,
        coalesce(categories.category, 'uncategorised') as entity,
        items.item_id,
        coalesce(categories.first_date, '-infinity'::date) as first_date,
        coalesce(categories.last_date, 'infinity'::date) as last_date
    from intermediate.int_items as items
    left join app_categories as categories on items.item = categories.app_id::varchar
    where items.board = 'apps'
),

members as (
    select
        dimension,
        entity,
        item_id,
        '-infinity'::date as first_date,
        'infinity'::date as last_date
    from lasting
    union all
    select
        dimension,
        entity,
        item_id,
        first_date,
        last_date
    from changing
)

select
    dimension, -- row of int_dimensions
    if(entity in ('all', 'other'), entity || ' (by name)', entity)
        as entity, -- what the item belongs to; never `all` or `other`, which are kept for sums and rests
    item_id, -- row of int_items
    first_date, -- first UTC day on which it does
    last_date -- last UTC day on which it does
from members
