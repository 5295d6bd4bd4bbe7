-- The figures that a later answer changed most, in percent; of those that none changed where all are so.
select
    date,
    model_permaslug,
    vintages,
    first_tokens,
    last_tokens,
    change_pct,
    is_restated
from marts.rpt_revisions
order by is_restated desc, abs(change_pct) desc nulls last, date asc, model_permaslug asc
limit 10
