-- The dimensions of growth: which board each one sums up, and what tells the items of an entity. Models are told by the
-- catalogue of a day; what no catalogue knows is in the open entity. Nothing tells all apps.
-- grain: dimension
select
    known.dimension::varchar as dimension, -- name
    known.plural::varchar as plural, -- its entities in words
    known.meaning::varchar as meaning, -- what an entity of it is
    known.board::varchar as board, -- rankings, apps, contexts or modalities
    known.told_by::varchar as told_by, -- items of an entity: itself, by the catalogue of the day, or by nothing
    known.open_entity::varchar as open_entity, -- entity of all that no catalogue knows; null where there is none
    coalesce(known.open_entity in ('unmatched', 'unknown'), false)
        as may_be_any, -- what is listed of the open entity may be of any other one; what is unattributed may not
    known.is_partition::boolean as is_partition -- each token is in one entity, `other` included: contributions add up
from (
    values
    ('total', 'total', 'all public traffic', 'rankings', 'itself', null, true),
    ('model', 'models', 'a model and variant, by its permanent slug', 'rankings', 'itself', null, true),
    ('author', 'authors', 'a namespace before the slash, as published', 'rankings', 'catalogue', null, true),
    ('variant', 'variants', 'what stands after the colon, else standard', 'rankings', 'catalogue', null, true),
    ('organisation', 'organisations', 'who is behind the author', 'rankings', 'catalogue', 'unattributed', true),
    ('price_class', 'price classes', 'free, zero price, paid or unmatched', 'rankings', 'catalogue', 'unmatched', true),
    ('weights', 'kinds of weights', 'open, proprietary or unknown', 'rankings', 'catalogue', 'unknown', true),
    ('reasoning', 'classes of reasoning', 'by the catalogue', 'rankings', 'catalogue', 'unknown', true),
    ('tokenizer', 'tokenizers', 'family, by the catalogue', 'rankings', 'catalogue', 'unknown', true),
    ('model_age', 'ages of models', 'days since the launch, or unknown', 'rankings', 'catalogue', 'unknown', true),
    ('app', 'apps', 'by its newest name', 'apps', 'itself', null, true),
    ('app_category', 'categories of apps', 'category of an app, as of retrieval', 'apps', 'nothing', null, true),
    ('context_bucket', 'context buckets', 'length of a request, 1K to 10M tokens', 'contexts', 'itself', null, true),
    ('modality', 'modalities', 'what a request holds, overlapping', 'modalities', 'itself', null, false)
) as known (dimension, plural, meaning, board, told_by, open_entity, is_partition)
