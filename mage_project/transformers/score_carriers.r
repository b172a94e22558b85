# Score and rank carriers month by month: 100 is a month without a late or cancelled flight. Base R only.
transform <- function(carrier_months, ...) {
  late_share <- carrier_months$late / carrier_months$flights
  cancelled_share <- carrier_months$cancelled / carrier_months$flights
  score <- round(100 * (1 - late_share - cancelled_share), 1)

  data.frame(
    flight_month = carrier_months$flight_month,
    carrier = carrier_months$carrier,
    score = score,
    place = ave(-score, carrier_months$flight_month, FUN = function(s) rank(s, ties.method = "min")),
    grade = as.character(cut(score, c(-Inf, 50, 65, 80, Inf), labels = c("D", "C", "B", "A")))
  )
}
