-- The dimensions along which growth is measured: what their entities are, whether they part all tokens, and what tells
-- which items belong to an entity, on which the bounds depend.
-- grain: dimension
select
    dimension, -- value of the column `dimension` of fct_token_growth_daily
    plural,
    meaning,
    is_partition, -- each token is in one entity, `other` included: contributions and shares add up
    board, -- list of OpenRouter that it sums up: rankings, apps, contexts or modalities
    told_by, -- what tells the items of an entity: itself, the catalogue of the day, or nothing
    open_entity -- entity of all that no catalogue knows, bounded by all of `other`; null where there is none
from intermediate.int_dimensions
