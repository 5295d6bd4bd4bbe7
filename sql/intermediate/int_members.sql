-- Which model belongs to which entity of each dimension. A new dimension is one more branch here.
-- grain: dimension, model_id
with members as (
    select
        'model' as dimension,
        model_permaslug as entity,
        model_id
    from intermediate.int_models
    union all
    select
        'author' as dimension,
        author as entity,
        model_id
    from intermediate.int_models
    union all
    select
        'variant' as dimension,
        variant as entity,
        model_id
    from intermediate.int_models
)

select
    dimension, -- model, author or variant
    entity, -- the model, its author or its variant
    model_id -- row of int_models
from members
