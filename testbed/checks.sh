# shellcheck shell=bash
# What the testbed's own tests check with.

checks=0

# check WHAT COMMAND…
check() {
  local what=$1 output
  shift
  if ! output=$("$@" 2>&1); then
    {
      echo "FAILED: $what"
      printf '  %s\n' "$*"
      tail -n 20 <<<"$output" | sed 's/^/  /'
      echo "testbed: FAILED after $checks checks"
    } >&2
    exit 1
  fi
  checks=$((checks + 1))
  echo "ok: $what"
}

# says WORDS COMMAND…: succeeds, and has these words in its output.
says() {
  local words=$1 output
  shift
  if ! output=$("$@" 2>&1) || [[ $output != *"$words"* ]]; then
    echo "not '$words' but: $output"
    return 1
  fi
}

# refuses WORDS COMMAND…: fails, and says why in these words.
refuses() {
  local words=$1 output
  shift
  if output=$("$@" 2>&1) || [[ $output != *"$words"* ]]; then
    echo "not refused with '$words', but: $output"
    return 1
  fi
}

# within SECONDS COMMAND…: succeeds at last.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

# is WANTED COMMAND…: prints this, and nothing else.
is() {
  local wanted=$1 output
  shift
  output=$("$@")
  [[ $output == "$wanted" ]] || {
    echo "'$output' instead of '$wanted'"
    return 1
  }
}

kc() {
  "$KUBECTL" --cache-dir "$TESTBED_STATE/kubectl-cache" "$@"
}

# Whose token it is, and for whom.
review() {
  kc create --output jsonpath='{.status.user.username} {.status.audiences[*]}' --filename - <<END
apiVersion: authentication.k8s.io/v1
kind: TokenReview
spec: {token: "$1", audiences: [portolan]}
END
}
