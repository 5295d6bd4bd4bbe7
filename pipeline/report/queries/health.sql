-- Each source: how fresh it is, and the verdict on it.
select
    source,
    verdict,
    newest_date,
    due_date,
    freshness,
    volume_ratio,
    warning
from marts.rpt_source_health
order by verdict = 'ok', source
