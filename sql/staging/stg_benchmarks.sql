-- The scores of the newest answer of each day, with the parts of a benchmark under one name.
-- grain: date, benchmark_source, benchmark, lane, model_permaslug, display_name
select
    snapshots.date,
    raw_rows.benchmark_source,
    raw_rows.benchmark,
    coalesce(nullif(concat_ws(
        '/', raw_rows.arena, raw_rows.category, raw_rows.search_engine, raw_rows.search_surface, raw_rows.run_config
    ), ''), 'whole')
        as lane, -- part of the benchmark: arena/category, or engine/surface and how the model was driven; else `whole`
    raw_rows.model_permaslug,
    raw_rows.display_name,
    raw_rows.arena,
    raw_rows.category,
    raw_rows.search_engine,
    raw_rows.search_surface,
    raw_rows.run_config,
    raw_rows.metric,
    raw_rows.score,
    raw_rows.score_stddev,
    raw_rows.total_tasks,
    raw_rows.avg_cost_per_task_usd,
    raw_rows.last_run_at,
    raw_rows.as_of -- instant (UTC) as of which OpenRouter states it
from raw.benchmarks as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
