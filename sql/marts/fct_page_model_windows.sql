-- What the saved rankings pages say of each model: totals of the last 1, 7 and 30 complete days before a page was
-- saved. The windows overlap, and are never to be added to each other or to daily figures.
-- grain: capture_date, captured_at, ranking_window, model_permaslug
-- check: total_tokens >= 0
select
    captures.capture_date, -- UTC day on which the page was saved
    models.captured_at,
    models.ranking_window,
    case models.ranking_window
        when 'day' then captures.window_end_date
        when 'week' then captures.window_end_date - 6
        when 'month' then captures.window_end_date - 29
    end as window_start_date, -- first UTC day of the window
    captures.window_end_date, -- last UTC day of the window
    if(models.variant = 'standard', models.model_permaslug, models.model_permaslug || ':' || models.variant)
        as model_permaslug, -- slug of the rankings, with `:variant`
    split_part(models.model_permaslug, '/', 1) as author, -- namespace before the slash, as published
    models.variant,
    models.prompt_tokens + models.completion_tokens as total_tokens, -- prompt and completion tokens
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
    100 * models.change_ratio as change_pct, -- change to the window before, as published; null for a new model
    models.last_active_date
from staging.stg_page_models as models
inner join staging.stg_page_captures as captures on models.captured_at = captures.captured_at
