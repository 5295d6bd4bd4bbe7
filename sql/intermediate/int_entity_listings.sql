-- What is listed of each entity on each day.
-- grain: dimension, entity, day_number
select
    members.dimension,
    members.entity, -- what the listed items belong to on the day
    listings.day_number,
    sum(listings.total_tokens)::bigint as total_tokens, -- of its listed items
    count(*) as items -- listed ones
from intermediate.int_listings as listings
inner join intermediate.int_members as members
    on listings.item_id = members.item_id and listings.date between members.first_date and members.last_date
group by members.dimension, members.entity, listings.day_number
