-- The endpoints of the newest answer of each day and model. An id that changed between two answers of a day does not
-- count a model twice.
-- grain: date, model_permaslug, endpoint_number
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.model_permaslug, -- slug of the rankings, with `:variant`
    raw_rows.model_api_id, -- OpenRouter's API id, under which it was asked
    raw_rows.endpoint_number, -- place in the answer, from 1; it may change from day to day
    raw_rows.provider_name, -- display name of the provider
    raw_rows.provider_tag, -- provider's slug, where needed with a region or quantization after a slash
    raw_rows.endpoint_name, -- display name of the endpoint
    raw_rows.context_length_tokens, -- longest context here
    raw_rows.max_completion_tokens, -- longest answer here; null where none is named
    raw_rows.quantization, -- precision of the weights, such as fp8; null where it is not stated
    raw_rows.status, -- 0 is in order, below is not; null where it is not stated
    nullif(raw_rows.prompt_usd_per_token, -1) as prompt_usd_per_token, -- price of a prompt token; null for routers
    nullif(raw_rows.completion_usd_per_token, -1)
        as completion_usd_per_token, -- price of a completion token; null for routers
    nullif(raw_rows.input_cache_read_usd_per_token, -1)
        as input_cache_read_usd_per_token, -- price of a prompt token read from the cache; null where none is named
    raw_rows.uptime_5m_pct, -- answered requests of the last 5 minutes; null without requests
    raw_rows.uptime_30m_pct, -- answered requests of the last 30 minutes; null without requests
    raw_rows.uptime_1d_pct, -- answered requests of the last day; null without requests
    raw_rows.latency_p50_ms, -- median time to the first token, last 30 minutes; null without a key
    raw_rows.throughput_p50_tokens_per_second, -- median speed, last 30 minutes; null without a key
    raw_rows.supports_implicit_caching, -- the cache works without being asked for
    raw_rows.fetched_at, -- instant (UTC) of retrieval
    raw_rows.load_id -- row of meta.loads
from raw.endpoints as raw_rows
inner join staging.stg_snapshots as snapshots
    on raw_rows.load_id = snapshots.load_id and raw_rows.model_api_id = snapshots.series
qualify
    dense_rank() over (
        partition by snapshots.date, raw_rows.model_permaslug
        order by snapshots.is_fetched desc, raw_rows.fetched_at desc, raw_rows.load_id desc
    ) = 1
