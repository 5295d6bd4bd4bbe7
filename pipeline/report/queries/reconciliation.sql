-- How independent figures agree; what has no tolerance is a part that must not exceed its whole.
select
    comparison,
    verdict,
    count(*)::integer as compared,
    max(abs(difference_pct)) filter (where tolerance is not null) as largest_difference_pct
from marts.rpt_reconciliation
group by comparison, verdict
order by comparison, verdict
