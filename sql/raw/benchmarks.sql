-- Every answer on benchmarks as it was received, one row a score; what was not measured has no row.
-- kind: ledger
select
    null::varchar as benchmark_source, -- who measured: artificial-analysis, design-arena or openrouter
    null::varchar as benchmark, -- such as intelligence_index, elo, win_rate, gpqa_diamond or search_hle
    null::varchar as arena, -- Design Arena: what competes, such as models or agents
    null::varchar as category, -- Design Arena: what is built, such as website
    null::varchar as search_engine, -- search runs: the engine that the model was given
    null::varchar as search_surface, -- search runs: server-tool or plugin
    null::varchar as run_config, -- search runs: how the model was driven; null where it is not stated
    null::varchar as model_permaslug, -- slug of the rankings, or the benchmark's own id where OpenRouter knows none
    null::varchar as display_name, -- the model's name at the benchmark
    null::varchar as metric, -- scale: index, elo, percent (0-100), accuracy or f1_by_item (0-1)
    null::double as score, -- higher is better
    null::double as score_stddev, -- standard deviation over runs; null for a single run, or not stated
    null::bigint as total_tasks, -- tasks of the run; null where it is not OpenRouter's
    null::double as avg_cost_per_task_usd, -- mean cost of a task; null where it is not stated
    null::timestamp as last_run_at, -- instant (UTC) of the last run; null where it is not OpenRouter's
    null::timestamp as as_of, -- instant (UTC) as of which OpenRouter states the scores
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- benchmarks
where false
