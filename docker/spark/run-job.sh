#!/bin/bash
# run-job.sh BYTES ARGUMENT…: spark-submit with the arguments, after taking the job's files (a tar archive of so many
# bytes) from standard input. The job is asked to end by SIGTERM, or when standard input does: whoever sent it is gone.
set -euo pipefail
head -c "$1" | tar -x -C /job
shift
export PYTHONPATH=/job
trap 'touch /job/stop' TERM INT
exec 3<&0
{ cat >/dev/null; touch /job/stop; } <&3 &
/opt/spark/bin/spark-submit "$@" </dev/null 3<&- &
job=$!
# A trapped signal ends `wait`, and not the job.
status=0
wait "$job" || status=$?
while kill -0 "$job" 2>/dev/null; do status=0; wait "$job" || status=$?; done
exit "$status"
