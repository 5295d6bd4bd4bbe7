-- Which item belongs to which entity of each dimension, from which day to which. A new dimension is one more branch
-- here and one more row in int_dimensions.
-- grain: dimension, item_id, first_date
-- check: first_date <= last_date
with models as (
    select
        item_id,
        model_permaslug,
        author,
        variant,
        least(first_listed_date, created_date) as launch_date,
        created_date is null as is_launch_unknown
    from intermediate.int_model_matches
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

-- Days since the launch; where it is not known, since the first listing, which a model may have taken any time to get.
ages as (
    select
        known.is_launch_unknown,
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
    ) as known (is_launch_unknown, entity, first_day, last_day)
),

app_moves as (
    select
        app_id,
        date,
        category,
        lag(date) over (partition by app_id order by date) is null as is_first
    from intermediate.int_app_places
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
    inner join ages on models.is_launch_unknown = ages.is_launch_unknown
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
    if(entity = 'other', 'other (by name)', entity)
        as entity, -- what the item belongs to; never `other`, which is kept for what is not listed
    item_id, -- row of int_items
    first_date, -- first UTC day on which it does
    last_date -- last UTC day on which it does
from members
