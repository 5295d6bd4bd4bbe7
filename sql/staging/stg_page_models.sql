-- What each rankings page says of models; of two readings of the same page and window the pipeline's own counts, then
-- the newest.
-- grain: captured_at, ranking_window, model_permaslug, variant
select
    models.captured_at,
    models.ranking_window, -- trailing window: day, week or month
    models.model_permaslug,
    models.variant,
    models.prompt_tokens,
    models.completion_tokens,
    models.reasoning_tokens,
    models.cached_tokens,
    models.requests,
    models.tool_calls,
    models.tool_call_error_requests,
    models.prompt_media,
    models.completion_media,
    models.prompt_audio,
    models.change_ratio,
    models.last_active_date
from raw.page_models as models
inner join meta.loads as loads on models.load_id = loads.load_id
qualify
    models.load_id = first_value(models.load_id) over (
        partition by models.captured_at, models.ranking_window
        order by loads.origin is null desc, models.fetched_at desc, models.load_id desc
    )
