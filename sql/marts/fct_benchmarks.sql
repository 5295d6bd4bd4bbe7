-- Benchmark scores as they stood on each day. Scores of different benchmarks, or lanes, are on different scales and
-- must not be compared.
-- grain: date, benchmark_source, benchmark, lane, model_permaslug, display_name
select
    date, -- UTC day of retrieval
    benchmark_source, -- who measured: artificial-analysis, design-arena or openrouter
    benchmark, -- such as intelligence_index, elo, win_rate, gpqa_diamond or search_hle
    lane, -- part of the benchmark: arena/category, or engine/surface and how the model was driven; else `whole`
    model_permaslug, -- slug of the rankings, or the benchmark's own id where OpenRouter knows none
    display_name, -- the model's name at the benchmark
    arena, -- Design Arena: what competes, such as models or agents
    category, -- Design Arena: what is built, such as website
    search_engine, -- search runs: the engine that the model was given
    search_surface, -- search runs: server-tool or plugin
    run_config, -- search runs: how the model was driven; null where it is not stated
    metric, -- scale: index, elo, percent (0-100), accuracy or f1_by_item (0-1)
    score, -- higher is better
    score_stddev, -- standard deviation over runs; null for a single run, or not stated
    total_tasks, -- tasks of the run; null where it is not OpenRouter's
    avg_cost_per_task_usd, -- mean cost of a task; null where it is not stated
    last_run_at, -- instant (UTC) of the last run; null where it is not OpenRouter's
    as_of -- instant (UTC) as of which OpenRouter states it
from staging.stg_benchmarks
