/* Mage uploads the rows of {{ df_1 }} to staging.airlines before this block runs. */
create schema if not exists mart;

create table if not exists mart.carrier_months (
  flight_month text not null,
  carrier text not null,
  airline text not null,
  flights integer not null check (flights > 0),
  cancelled integer not null check (cancelled between 0 and flights),
  late integer not null check (late between 0 and flights - cancelled),
  mean_arr_delay double precision,
  primary key (flight_month, carrier)
);

insert into mart.carrier_months (flight_month, carrier, airline, flights, cancelled, late, mean_arr_delay)
select
  to_char(flights.flight_date, 'YYYY-MM'),
  flights.carrier,
  airlines.airline,
  count(*),
  count(*) filter (where flights.cancelled),
  count(*) filter (where flights.arr_delay > {{ variables('late_minutes') }}),
  round(avg(flights.arr_delay), 2)
from mart.flights as flights
join staging.airlines as airlines using (carrier)
group by 1, 2, 3
on conflict (flight_month, carrier) do update set
  airline = excluded.airline,
  flights = excluded.flights,
  cancelled = excluded.cancelled,
  late = excluded.late,
  mean_arr_delay = excluded.mean_arr_delay;
