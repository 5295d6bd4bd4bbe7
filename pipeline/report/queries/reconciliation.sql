-- How independent figures for the same thing agree.
select
    comparison,
    verdict,
    count(*)::integer as compared,
    max(abs(difference_pct)) as largest_difference_pct
from marts.rpt_reconciliation
group by comparison, verdict
order by comparison, verdict
