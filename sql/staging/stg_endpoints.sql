-- The endpoints of the newest answer of each day and model. An id that changed between two answers of a day does not
-- count a model twice.
-- grain: date, model_permaslug, endpoint_number
select
    snapshots.date,
    raw_rows.model_permaslug,
    raw_rows.endpoint_number,
    raw_rows.provider_name,
    raw_rows.provider_tag,
    raw_rows.endpoint_name,
    raw_rows.context_length_tokens,
    raw_rows.max_completion_tokens,
    raw_rows.quantization,
    raw_rows.status,
    nullif(raw_rows.prompt_usd_per_token, -1) as prompt_usd_per_token, -- price of a prompt token; null for routers
    nullif(raw_rows.completion_usd_per_token, -1)
        as completion_usd_per_token, -- price of a completion token; null for routers
    nullif(raw_rows.input_cache_read_usd_per_token, -1)
        as input_cache_read_usd_per_token, -- price of a prompt token read from the cache; null where none is named
    raw_rows.uptime_5m_pct,
    raw_rows.uptime_30m_pct,
    raw_rows.uptime_1d_pct,
    raw_rows.latency_p50_ms,
    raw_rows.throughput_p50_tokens_per_second,
    raw_rows.supports_implicit_caching,
    raw_rows.fetched_at -- instant (UTC) of retrieval
from raw.endpoints as raw_rows
inner join staging.stg_snapshots as snapshots
    on raw_rows.load_id = snapshots.load_id and raw_rows.model_api_id = snapshots.series
qualify
    dense_rank() over (
        partition by snapshots.date, raw_rows.model_permaslug
        order by snapshots.is_fetched desc, raw_rows.fetched_at desc, raw_rows.load_id desc
    ) = 1
