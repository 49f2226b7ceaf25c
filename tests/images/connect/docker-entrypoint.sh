#!/bin/bash
# The names of the real image: some settings by names of their own, CONNECT_SOME_NAME for all others.
set -euo pipefail
export CONNECT_BOOTSTRAP_SERVERS=$BOOTSTRAP_SERVERS CONNECT_GROUP_ID=${GROUP_ID:-1}
export CONNECT_CONFIG_STORAGE_TOPIC=$CONFIG_STORAGE_TOPIC CONNECT_OFFSET_STORAGE_TOPIC=$OFFSET_STORAGE_TOPIC
export CONNECT_STATUS_STORAGE_TOPIC=${STATUS_STORAGE_TOPIC:-connect-status}
export CONNECT_KEY_CONVERTER=${KEY_CONVERTER:-org.apache.kafka.connect.json.JsonConverter}
export CONNECT_VALUE_CONVERTER=${VALUE_CONVERTER:-org.apache.kafka.connect.json.JsonConverter}
export CONNECT_OFFSET_FLUSH_INTERVAL_MS=${OFFSET_FLUSH_INTERVAL_MS:-60000}
export CONNECT_LISTENERS=http://0.0.0.0:8083 CONNECT_PLUGIN_DISCOVERY=service_load
config=/kafka/config/connect-distributed.properties
env | grep '^CONNECT_' | while IFS='=' read -r name value; do
  printf '%s=%s\n' "$(printf '%s' "${name#CONNECT_}" | tr '[:upper:]_' '[:lower:].')" "$value"
done >"$config"
exec java ${HEAP_OPTS:-} -cp '/kafka/libs/*' org.apache.kafka.connect.cli.ConnectDistributed "$config"
