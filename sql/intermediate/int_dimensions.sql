-- The dimensions of growth: which board each one sums up, and what tells the items of an entity. Models are told by the
-- catalogue of a day; what no catalogue knows is in the open entity. Nothing tells all apps.
-- grain: dimension
select
    known.dimension::varchar as dimension, -- name
    known.board::varchar as board, -- rankings, apps, contexts or modalities
    known.told_by::varchar as told_by, -- items of an entity: itself, by the catalogue of the day, or by nothing
    known.open_entity::varchar as open_entity, -- entity of all that no catalogue knows; null where there is none
    known.is_partition::boolean as is_partition -- each token is in one entity, `other` included: contributions add up
from (
    values
    ('total', 'rankings', 'itself', null, true),
    ('model', 'rankings', 'itself', null, true),
    ('author', 'rankings', 'catalogue', null, true),
    ('variant', 'rankings', 'catalogue', null, true),
    ('organisation', 'rankings', 'catalogue', 'unattributed', true),
    ('price_class', 'rankings', 'catalogue', 'unmatched', true),
    ('weights', 'rankings', 'catalogue', 'unknown', true),
    ('reasoning', 'rankings', 'catalogue', 'unknown', true),
    ('tokenizer', 'rankings', 'catalogue', 'unknown', true),
    ('model_age', 'rankings', 'catalogue', 'unknown', true),
    ('app', 'apps', 'itself', null, true),
    ('app_category', 'apps', 'nothing', null, true),
    ('context_bucket', 'contexts', 'itself', null, true),
    ('modality', 'modalities', 'itself', null, false)
) as known (dimension, board, told_by, open_entity, is_partition)
