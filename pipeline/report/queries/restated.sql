-- The figures that a later answer changed most, in percent.
select
    date,
    model_permaslug,
    vintages,
    first_tokens,
    last_tokens,
    change_pct
from marts.rpt_revisions
where is_restated
order by abs(change_pct) desc, date asc, model_permaslug asc
limit 10
