-- The scores of the newest answer of each day, with the parts of a benchmark under one name.
-- grain: date, benchmark_source, benchmark, lane, model_permaslug, display_name
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.benchmark_source, -- who measured: artificial-analysis, design-arena or openrouter
    raw_rows.benchmark, -- such as intelligence_index, elo, win_rate, gpqa_diamond or search_hle
    coalesce(nullif(concat_ws(
        '/', raw_rows.arena, raw_rows.category, raw_rows.search_engine, raw_rows.search_surface, raw_rows.run_config
    ), ''), 'whole')
        as lane, -- part of the benchmark: arena/category, or engine/surface and how the model was driven; else `whole`
    raw_rows.model_permaslug, -- slug of the rankings, or the benchmark's own id where OpenRouter knows none
    raw_rows.display_name, -- the model's name at the benchmark
    raw_rows.arena, -- Design Arena: what competes, such as models or agents
    raw_rows.category, -- Design Arena: what is built, such as website
    raw_rows.search_engine, -- search runs: the engine that the model was given
    raw_rows.search_surface, -- search runs: server-tool or plugin
    raw_rows.run_config, -- search runs: how the model was driven; null where it is not stated
    raw_rows.metric, -- scale: index, elo, percent (0-100), accuracy or f1_by_item (0-1)
    raw_rows.score, -- higher is better
    raw_rows.score_stddev, -- standard deviation over runs; null for a single run, or not stated
    raw_rows.total_tasks, -- tasks of the run; null where it is not OpenRouter's
    raw_rows.avg_cost_per_task_usd, -- mean cost of a task; null where it is not stated
    raw_rows.last_run_at, -- instant (UTC) of the last run; null where it is not OpenRouter's
    raw_rows.as_of, -- instant (UTC) as of which OpenRouter states it
    raw_rows.load_id -- row of meta.loads
from raw.benchmarks as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
