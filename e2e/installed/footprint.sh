# shellcheck shell=bash
# What an installation takes that has nothing to do, and what it may do.

# How long it is looked at. Probes, leases and reports come round several times in it.
readonly IDLE_SECONDS=60

# What our programs are and have used, a line each: node, PID, program, clock ticks, KiB now, KiB at the peak, user, effective
# capabilities.
used() {
  local node
  for node in $TESTBED_NODES; do
    # shellcheck disable=SC2016 # that shell's
    ./dev testbed enter "$node" "${bed[@]}" -- sh -c '
      for process in /proc/[0-9]*; do
        program=$(readlink "$process/exe" 2>/dev/null) || continue
        case ${program##*/} in
          portolan-*)
            echo "$0 ${process#/proc/} ${program##*/} $(cut -d" " -f14,15 "$process/stat") $(awk "
              /^VmRSS:/ { now = \$2 } /^VmHWM:/ { peak = \$2 } /^Uid:/ { user = \$3 } /^CapEff:/ { may = \$2 }
              END { print now, peak, user, may }" "$process/status")"
            ;;
        esac
      done' "$node"
  done | sort
}

# The table of what is used, in $work/footprint. Fails when a program has gone or come in that time, or takes more than its pod asks for: the
# chart's requests are for more than an idle one.
footprint() {
  table >"$work/footprint" && is_within_requests
}

table() {
  used >"$work/before"
  sleep "$IDLE_SECONDS"
  used >"$work/after"
  echo '@part FOOTPRINT'
  echo "| program | node | CPU in $IDLE_SECONDS s, % of a core | memory | peak since its start | user | capabilities |"
  echo '|---|---|---:|---:|---:|---:|---|'
  join -j 1 <(keyed "$work/before") <(keyed "$work/after") | awk -v seconds="$IDLE_SECONDS" -v hertz="$(getconf CLK_TCK)" '
    function capabilities(mask) {
      if (mask ~ /^0*$/) return "none"
      if (mask ~ /^0*2000$/) return "`NET_RAW`"
      return "`" mask "`"
    }
    { split($1, who, "/")
      printf "| %s | %s | %.2f | %.1f MiB | %.1f MiB | %s | %s |\n", who[3], who[1],
        100 * ($8 + $9 - $2 - $3) / hertz / seconds, $10 / 1024, $11 / 1024, $12, capabilities($13) }
    END { exit NR == 0 }' &&
    diff <(keyed "$work/before" | cut -d' ' -f1) <(keyed "$work/after" | cut -d' ' -f1) >&2
}

# keyed FILE: node/PID/program in one word.
keyed() {
  awk '{ $3 = $1 "/" $2 "/" $3; $1 = $2 = ""; sub(/^ +/, ""); print }' "$1" | sort
}

# Of memory, as the chart's values have it by default, in MiB.
is_within_requests() {
  awk '
    BEGIN { most["portolan-mapper"] = 128; most["portolan-sniffer"] = most["portolan-istio-watcher"] = 32 }
    !($3 in most) { print $3 ": not expected"; bad = 1; next }
    $6 > most[$3] * 1024 { print $3 " has " $6 " KiB; it asks for " most[$3] " MiB"; bad = 1 }
    END { exit bad }' "$work/after"
}

# rights ACCOUNT: a line for each set of verbs, with what they are for; without what everybody may who has an account.
rights() {
  comm -23 <(listed_rights "$NAMESPACE:$1") <(listed_rights "$NAMESPACE:default") |
    awk -F '\t' '
      { kinds[$2] = kinds[$2] (count[$2]++ ? ", " : "") "`" $1 "`" }
      END {
        for (verbs in kinds) print verbs ": " (count[verbs] > 12 ? count[verbs] " kinds" : kinds[verbs])
      }' | sort | awk '{ all = all (NR > 1 ? "; " : "") $0 } END { print NR ? all : "none" }'
}

# listed_rights NAMESPACE:ACCOUNT: resource, tabulator, verbs, as the API server tells them.
listed_rights() {
  kc auth can-i --list --no-headers --namespace "$NAMESPACE" --as "system:serviceaccount:$1" |
    sed -n 's/^\([^ []*\) *\[[^]]*\] *\[\([^]]*\)\] *\[\([^]]*\)\]$/\1\t\2\t\3/p' |
    awk -F '\t' '$1 != "" { print $1 ($2 == "" ? "" : " " $2) "\t" $3 }' | sort
}

rights_table() {
  local account
  echo '@part RIGHTS'
  echo '| account | may, beside what every account may |'
  echo '|---|---|'
  for account in otterize-network-mapper otterize-network-sniffer otterize-istio-watcher; do
    echo "| \`$account\` | $(rights "$account") |"
  done
}
