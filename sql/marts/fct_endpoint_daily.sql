-- Who served each ranked model at the moment of the day's snapshot, at which price and how well. An endpoint has no
-- key that lasts: a provider's tag may occur twice, and places change from day to day.
-- grain: date, model_permaslug, endpoint_number
-- check: prompt_usd_per_token >= 0 and completion_usd_per_token >= 0
-- check: uptime_1d_pct between 0 and 100
select
    date,
    model_permaslug,
    endpoint_number, -- place in the day's answer, from 1
    provider_name,
    provider_tag,
    split_part(provider_tag, '/', 1) as provider_slug, -- provider's slug alone, as in dim_provider
    endpoint_name,
    context_length_tokens,
    max_completion_tokens,
    quantization,
    status,
    prompt_usd_per_token,
    completion_usd_per_token,
    input_cache_read_usd_per_token,
    uptime_5m_pct, -- answered requests of the 5 minutes before the snapshot; null without requests
    uptime_30m_pct, -- answered requests of the 30 minutes before the snapshot; null without requests
    uptime_1d_pct, -- answered requests of the day before the snapshot; null without requests
    latency_p50_ms, -- median time to the first token in the 30 minutes before; null without a key
    throughput_p50_tokens_per_second, -- median speed in the 30 minutes before; null without a key
    supports_implicit_caching,
    fetched_at -- instant (UTC) of the snapshot
from staging.stg_endpoints
