-- Simulated and real figures never stand in one warehouse.
with landed as (
    select
        source,
        is_simulated,
        count(*) as loads
    from meta.loads
    where outcome = 'landed'
    group by source, is_simulated
)

select
    landed.source,
    landed.is_simulated,
    landed.loads
from landed
where (select count(distinct either.is_simulated) from landed as either) > 1
