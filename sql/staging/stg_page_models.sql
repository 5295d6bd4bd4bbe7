-- What each rankings page says of models; of two readings of the same page and window the pipeline's own counts, then
-- the newest.
-- grain: captured_at, ranking_window, model_permaslug, variant
select
    models.captured_at, -- instant (UTC) at which the page was saved
    models.ranking_window, -- trailing window: day, week or month
    models.model_permaslug, -- permanent slug without the variant
    models.variant, -- variant, such as free; else standard
    models.prompt_tokens, -- tokens sent in the window
    models.completion_tokens, -- tokens received in the window
    models.reasoning_tokens, -- reasoning tokens by the provider's count; null where the page has none
    models.cached_tokens, -- tokens read from a cache by the provider's count; null where the page has none
    models.requests, -- requests in the window
    models.tool_calls, -- tool calls in the window; null where the page has none
    models.tool_call_error_requests, -- requests with a failed tool call; null where the page has none
    models.prompt_media, -- images and other media sent; null where the page has none
    models.completion_media, -- images and other media received; null where the page has none
    models.prompt_audio, -- audio inputs sent; null where the page has none
    models.change_ratio, -- change to the window before, as a fraction; null for a new model
    models.last_active_date, -- last UTC day on which the model was used
    models.load_id -- row of meta.loads
from raw.page_models as models
inner join meta.loads as loads on models.load_id = loads.load_id
qualify
    models.load_id = first_value(models.load_id) over (
        partition by models.captured_at, models.ranking_window
        order by loads.origin is null desc, models.fetched_at desc, models.load_id desc
    )
