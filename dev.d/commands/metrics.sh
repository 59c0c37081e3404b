# metrics: writes docs/metrics.md, the metrics of every process, from the code
# shellcheck shell=bash

main() {
  # shellcheck source=dev.d/metrics.sh
  source dev.d/metrics.sh
  metrics >docs/metrics.md
  echo "wrote docs/metrics.md"
}
