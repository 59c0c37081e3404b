# limits: writes docs/limits.md, the bounds of everything, from the code
# shellcheck shell=bash

main() {
  # shellcheck source=dev.d/limits.sh
  source dev.d/limits.sh
  limits >docs/limits.md
  echo "wrote docs/limits.md"
}
