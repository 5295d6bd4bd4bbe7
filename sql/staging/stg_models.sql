-- Every catalogue row of every catalogue, with the day it was fetched and its parts named.
-- grain: load_id, model_permaslug
select
    models.load_id, -- row of meta.loads
    models.fetched_at, -- instant (UTC) of the catalogue
    models.fetched_at::date as date, -- UTC day of the catalogue
    models.model_permaslug, -- slug of the rankings
    split_part(models.model_permaslug, '/', 1) as author, -- namespace before the slash
    coalesce(nullif(split_part(models.model_permaslug, ':', 2), ''), 'standard') as variant, -- after the colon
    models.id, -- API id
    models.canonical_slug, -- slug shared by all variants
    models.name, -- display name
    models.created_at, -- instant (UTC) at which OpenRouter listed it
    models.context_length_tokens, -- longest context
    nullif(models.prompt_usd_per_token, -1) as prompt_usd_per_token, -- list price; null for routers
    nullif(models.completion_usd_per_token, -1) as completion_usd_per_token, -- list price; null for routers
    models.input_modalities, -- sorted, separated by commas
    models.output_modalities, -- sorted, separated by commas
    models.tokenizer, -- tokenizer family
    models.hugging_face_id is not null as is_open_weight_candidate, -- weights are linked; licences differ
    models.is_reasoning_capable, -- the catalogue lists reasoning
    models.expiration_date, -- day after which the model may be removed
    models.alias_target_slug -- concrete model behind an alias
from raw.models as models
