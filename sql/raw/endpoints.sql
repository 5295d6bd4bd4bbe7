-- Every answer on who serves a model as it was received, one row an endpoint: one model at one provider.
-- kind: ledger
select
    null::varchar as model_permaslug, -- slug of the rankings, with `:variant`
    null::varchar as model_api_id, -- OpenRouter's API id, under which it was asked
    null::bigint as endpoint_number, -- place in the answer, from 1; it may change from day to day
    null::varchar as provider_name, -- display name of the provider
    null::varchar as provider_tag, -- provider's slug, where needed with a region or quantization after a slash
    null::varchar as endpoint_name, -- display name of the endpoint
    null::bigint as context_length_tokens, -- longest context here
    null::bigint as max_completion_tokens, -- longest answer here; null where none is named
    null::varchar as quantization, -- precision of the weights, such as fp8; null where it is not stated
    null::bigint as status, -- 0 is in order, below is not; null where it is not stated
    null::double as prompt_usd_per_token, -- price of a prompt token; -1 where it is that of another model
    null::double as completion_usd_per_token, -- price of a completion token; -1 where it is that of another model
    null::double as input_cache_read_usd_per_token, -- price of a prompt token read from the cache; null: none named
    null::double as uptime_5m_pct, -- answered requests of the last 5 minutes; null without requests
    null::double as uptime_30m_pct, -- answered requests of the last 30 minutes; null without requests
    null::double as uptime_1d_pct, -- answered requests of the last day; null without requests
    null::double as latency_p50_ms, -- median time to the first token, last 30 minutes; null without a key
    null::double as throughput_p50_tokens_per_second, -- median speed, last 30 minutes; null without a key
    null::boolean as supports_implicit_caching, -- the cache works without being asked for
    null::timestamp as as_of, -- instant (UTC) of retrieval
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- endpoints
where false
