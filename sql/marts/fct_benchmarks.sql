-- Benchmark scores as they stood on each day. Scores of different benchmarks, or lanes, are on different scales and
-- must not be compared.
-- grain: date, benchmark_source, benchmark, lane, model_permaslug, display_name
select
    date,
    benchmark_source,
    benchmark,
    lane,
    model_permaslug,
    display_name,
    arena,
    category,
    search_engine,
    search_surface,
    run_config,
    metric,
    score,
    score_stddev,
    total_tasks,
    avg_cost_per_task_usd,
    last_run_at,
    as_of
from staging.stg_benchmarks
