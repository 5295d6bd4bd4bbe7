-- Every model with its catalogue row, current or last. The join is exact and keeps variants apart: first the canonical
-- slug with its variant, else the API id. What a variant shares with its base, but never a price, may be read from the
-- base's row where it has none of its own.
-- grain: item_id
with newest as (
    select
        model_permaslug,
        id,
        valid_from
    from intermediate.int_model_versions
    qualify row_number() over (partition by model_permaslug order by valid_from desc) = 1
),

newest_of_id as (
    select
        model_permaslug,
        id
    from newest
    qualify row_number() over (partition by id order by valid_from desc, model_permaslug asc) = 1
),

first_seen as (
    select
        model_permaslug,
        min(created_at)::date as created_date
    from intermediate.int_model_versions
    group by model_permaslug
)

select
    items.item_id, -- row of int_items
    items.item as model_permaslug, -- permanent slug with `:variant`
    split_part(items.item, '/', 1) as author, -- namespace before the slash, as published
    coalesce(nullif(split_part(items.item, ':', 2), ''), 'standard') as variant,
    items.first_listed_date, -- first UTC day on which the rankings list it; null where only a catalogue knows it
    items.last_listed_date, -- last UTC day on which they do
    coalesce(by_slug.model_permaslug, by_id.model_permaslug) as catalogue_slug, -- null where unmatched
    case
        when by_slug.model_permaslug is not null then 'permaslug'
        when by_id.model_permaslug is not null then 'id'
    end as matched_by, -- permaslug or id; null where unmatched
    coalesce(by_slug.model_permaslug, by_id.model_permaslug, by_base.model_permaslug)
        as traits_slug, -- the same, else that of its base
    first_seen.created_date -- UTC day on which OpenRouter listed it, by its own row; null where unmatched
from intermediate.int_items as items
left join newest as by_slug on items.item = by_slug.model_permaslug
left join newest_of_id as by_id on by_slug.model_permaslug is null and items.item = by_id.id
left join newest as by_base on split_part(items.item, ':', 1) = by_base.model_permaslug
left join first_seen on coalesce(by_slug.model_permaslug, by_id.model_permaslug) = first_seen.model_permaslug
where items.board = 'rankings'
