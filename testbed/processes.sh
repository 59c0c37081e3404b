# shellcheck shell=bash
# Who owns a state folder, which processes are ours, and how they begin and end. Nothing is ended by its name, and no
# folder is emptied that does not say it is ours.

# For each process: long enough for an API server that lets its requests finish.
readonly END_SECONDS=15

# Everything that starts or ends a process takes turns, on this machine, for this user: two that look for free ports
# at the same time would find the same ones.
take_turn() {
  exec 9>"/tmp/portolan-testbed-$(id -u).lock"
  flock -n 9 || {
    echo "testbed: waiting for another testbed command"
    flock -w 300 9 || fail "another testbed command has not ended within 300 s"
  }
}

fail() {
  echo "testbed: $1" >&2
  exit 1
}

# owner KEY: what the state folder says of its owner.
owner() {
  sed -n "s/^$1=//p" "$state/owner" 2>/dev/null || true
}

# The folder is ours, or is not there. Sets port_base and the number of nodes to the owner's when none was asked for.
check_owner() {
  if [[ ! -f $state/owner ]]; then
    [[ ! -e $state || -z $(ls -A "$state") ]] ||
      fail "$state holds files, but is no testbed's state: it was not touched. Name another folder with --state"
    node_count=${nodes_asked:-0}
    name_components
    return 0
  fi
  local owner_name owner_base
  owner_name=$(owner name) owner_base=$(owner port_base) node_count=$(owner nodes)
  node_count=${node_count:-0}
  [[ $owner_name == "$name" ]] ||
    fail "$state belongs to the testbed '$owner_name', not to '$name': it was not touched. Add --name $owner_name if it is yours, or name another folder with --state"
  [[ -z $port_base || $port_base == auto || $port_base == "$owner_base" ]] ||
    fail "testbed $name is on port base $owner_base, not $port_base: take it down first, or leave out --port-base"
  port_base=$owner_base
  [[ -z $nodes_asked || $nodes_asked == "$node_count" ]] ||
    fail "testbed $name has $node_count real nodes, not $nodes_asked: take it down first, or leave out --nodes"
  name_components
}

# claim COMPONENT…: the folder is this testbed's from now on, and these belong to it.
claim() {
  mkdir -p "$state"/{pids,log,kwok}
  local before component all=()
  before=" $(owner components) "
  for component in "${COMPONENTS[@]}"; do
    [[ "$before$* " != *" $component "* ]] || all+=("$component")
  done
  printf '%s\n' "name=$name" "port_base=$port_base" "nodes=$node_count" "components=${all[*]}" >"$state/owner"
}

# Only what a testbed makes: a folder given by --state may hold more since.
remove_state() {
  rm -rf "$state"/{pids,log,kwok,stages.yaml,pki,etcd,kubectl-cache,env,owner,networks,images} "$state"/kubeconfig* "$state"/node-[1-9]
  rmdir "$state" 2>/dev/null || echo "testbed: $state holds other files and was kept"
}

# started PID: when it began, in ticks since this boot of the machine. Fails when it has ended.
started() {
  local stat fields
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The name, in parentheses, may hold spaces and parentheses itself.
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1
  echo "${fields[19]} $(</proc/sys/kernel/random/boot_id)"
}

# pid_of COMPONENT: its process, if that is the very one that was started: the number alone may be another's by now.
pid_of() {
  local pid start
  { read -r pid start <"$state/pids/$1"; } 2>/dev/null || return 1
  [[ -n $start && $(started "$pid") == "$start" ]] || return 1
  echo "$pid"
}

# launch COMPONENT COMMAND…: outlives this command, and holds none of its locks.
launch() {
  local component=$1
  shift
  setsid "$@" >>"$state/log/$component.log" 2>&1 </dev/null 8>&- 9>&- &
  record "$component" $!
}

# record COMPONENT PID
record() {
  echo "$2 $(started "$2")" >"$state/pids/$1"
}

# end COMPONENT…: all are asked at once; who has not ended in time is killed.
end() {
  local component pid tries
  for component in "$@"; do
    if pid=$(pid_of "$component"); then
      # One that is stopped hears of it when it goes on.
      kill -TERM "$pid" || true
      kill -CONT "$pid" || true
    fi
  done 2>/dev/null
  for component in "$@"; do
    for ((tries = END_SECONDS * 20; tries > 0; tries--)); do
      pid_of "$component" >/dev/null || break
      sleep 0.05
    done
    if pid=$(pid_of "$component"); then
      echo "testbed: $component did not end within $END_SECONDS s and is killed"
      kill_now "$component"
    fi
    rm -f "$state/pids/$component"
  done
}

# end_all COMPONENT…, in the order of their start: the last first, as it needs the others.
end_all() {
  local i
  for ((i = $#; i > 0; i--)); do
    end "${!i}"
  done
}

kill_now() {
  local pid
  while pid=$(pid_of "$1"); do
    kill -KILL "$pid" 2>/dev/null || true
    sleep 0.05
  done
}

# is_free PORT: nobody listens on it, on any address.
is_free() {
  ! awk -v port="$(printf ':%04X' "$1")" '
    $4 == "0A" && substr($2, length($2) - 4) == port { taken = 1 }
    END { exit !taken }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# The first ports in a row that are free, after those of the default testbed and below those that the kernel gives to
# outgoing connections.
free_port_base() {
  local base port
  for ((base = DEFAULT_PORT_BASE + PORTS; base < 32000; base += PORTS)); do
    for ((port = base; port < base + PORTS; port++)); do
      is_free "$port" || continue 2
    done
    echo "$base"
    return
  done
  fail "no $PORTS free ports in a row from $DEFAULT_PORT_BASE on"
}
