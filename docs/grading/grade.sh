#!/usr/bin/env bash
# Grades one submission on servers of its own, which are gone afterwards: grade.sh SUBMISSION RESULTS
#
# SUBMISSION is a folder with definitions in features/, an own_sink.py, or both. RESULTS gets score.txt with a line per
# step and its exit code, reports as JSON and JUnit, and log.txt. Ends with the exit code of the first step that failed.
set -u
definition=$(cd "$(dirname "$0")" && pwd)/../lab/own_customer.yaml
mkdir -p "$2"
submission=$(cd "$1" && pwd) && results=$(cd "$2" && pwd) || exit 2
work=$(mktemp -d)
export CDC_FEATURES_HOME=$work/state
trap 'cdc-features down --purge 2>> "$results/log.txt"; rm -rf "$work"' EXIT
cp -R "$submission/." "$work" && cd "$work" || exit 3
: > "$results/score.txt"
: > "$results/log.txt"

# step NAME SECONDS COMMAND…
step() {
  local name=$1 seconds=$2
  shift 2
  timeout --signal=INT --kill-after=30 "$seconds" "$@" > "$results/$name.json" 2>> "$results/log.txt" < /dev/null
  local code=$?
  [ $code -eq 124 ] && code=5
  echo "$name $code" | tee -a "$results/score.txt"
  return $code
}

for file in features/*.yaml; do
  # The grader's own one judges sinks.
  [ -e "$file" ] && [ "$file" != features/own_customer.yaml ] || continue
  name=$(basename "$file" .yaml)
  step "validate-$name" 60 cdc-features validate --json "$file" || exit
  step "run-$name" 600 cdc-features run "$file" --json || exit
  step "verify-$name" 300 cdc-features verify "$file" --json --junit "$results/$name.xml" || exit
done

[ -e own_sink.py ] || exit 0
mkdir -p features && cp "$definition" features/own_customer.yaml
judge() {
  step "sink-$1" 300 cdc-features exec python own_sink.py &&
    step "verify-sink-$1" 300 cdc-features verify own_customer --values-only --json --junit "$results/own_customer-$1.xml"
}
# An insert, an update, a move, and a customer without any order.
changes="INSERT INTO orders (customer_id, total_amount) VALUES (42, 19.99);
  UPDATE orders SET total_amount = total_amount + 1 WHERE order_id % 1000 = 1;
  UPDATE orders SET customer_id = 43 WHERE order_id % 1000 = 2;
  DELETE FROM orders WHERE customer_id = 44"
step up 600 cdc-features up --json || exit
judge 1 || exit
step changes 60 cdc-features sql --json "$changes" || exit
judge 2
