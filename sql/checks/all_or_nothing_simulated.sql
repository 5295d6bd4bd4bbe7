-- Simulated and real figures never stand in one warehouse.
select
    source,
    is_simulated,
    count(*) as loads
from meta.loads
where outcome = 'landed' and (select count(distinct landed.is_simulated) from meta.loads as landed where landed.outcome = 'landed') > 1
group by source, is_simulated
