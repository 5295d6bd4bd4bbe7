-- The dimensions of growth: which board each one sums up, and what tells the items of an entity. Models are told by the
-- catalogue of a day; what no catalogue knows is in the open entity. Nothing tells all apps.
-- grain: dimension
select
    known.dimension::varchar as dimension, -- name
    known.meaning::varchar as meaning, -- what an entity of it is
    known.board::varchar as board, -- rankings, apps, contexts or modalities
    known.told_by::varchar as told_by, -- items of an entity: itself, by the catalogue of the day, or by nothing
    known.open_entity::varchar as open_entity, -- entity of all that no catalogue knows; null where there is none
    known.is_partition::boolean as is_partition -- each token is in one entity, `other` included: contributions add up
from (
    values
    ('total', 'all public traffic', 'rankings', 'itself', null, true),
    ('model', 'a model and variant, by its permanent slug', 'rankings', 'itself', null, true),
    ('author', 'a namespace before the slash, as published', 'rankings', 'catalogue', null, true),
    ('variant', 'standard, free, …: what stands after the colon', 'rankings', 'catalogue', null, true),
    ('organisation', 'who is behind the namespace, by a curated map', 'rankings', 'catalogue', 'unattributed', true),
    ('price_class', 'free_variant, zero_price, paid or unmatched', 'rankings', 'catalogue', 'unmatched', true),
    ('weights', 'open_candidate, proprietary or unknown', 'rankings', 'catalogue', 'unknown', true),
    ('reasoning', 'capable, not_capable or unknown; nothing of use', 'rankings', 'catalogue', 'unknown', true),
    ('tokenizer', 'family of the tokenizer, by the catalogue', 'rankings', 'catalogue', 'unknown', true),
    ('model_age', 'days since the launch: 0-30, 31-90, 91+, or unknown', 'rankings', 'catalogue', 'unknown', true),
    ('app', 'an app, by its newest name; `other` is all traffic without a listed app', 'apps', 'itself', null, true),
    ('app_category', 'category of an app, as of retrieval', 'apps', 'nothing', null, true),
    ('context_bucket', 'length of a request: 1K, 10K, 100K, 1M or 10M tokens', 'contexts', 'itself', null, true),
    ('modality', 'text, image, audio, …: they overlap, so that they do not add up', 'modalities', 'itself', null, false)
) as known (dimension, meaning, board, told_by, open_entity, is_partition)
