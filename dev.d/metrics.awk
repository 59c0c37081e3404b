# Turns what a process registers into a table. Wherever a metric is registered, its name and its help stand side by side,
# and behind them the names of its labels, if it has any.

BEGIN { RS = "\001" }

{
  sub(/\n#\[cfg\(test\)\].*/, "")
  # Names that reporters share are no process's own as long as nobody says whose they are.
  if (role != "")
    gsub(/"portolan_ROLE_/, "\"portolan_" role "_")
  text = $0
  while (match(text, /"(portolan|process|traces)_[a-z_]+",[ \n]*"|"[a-z]+_reported_[a-z]+",[ \n]*"/)) {
    before = substr(text, 1, RSTART)
    found = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    split(found, quoted, "\"")
    name = quoted[2]
    end = index(text, "\"")
    help = substr(text, 1, end - 1)
    text = substr(text, end + 1)
    labels = ""
    if (match(text, /^,[ \n]*"[a-z_]+"/) || match(text, /^,[ \n]*&\[("[a-z_]+"(, )?)+\]/)) {
      labels = substr(text, 1, RLENGTH)
      gsub(/[^a-z_,]/, "", labels)
      gsub(/^,|,$/, "", labels)
      gsub(/,/, ", ", labels)
    }
    if (name ~ /^traces_/)
      labels = "client, client_service_namespace, server, server_service_namespace, connection_type"
    if (name == "portolan_build_info")
      labels = "role, version"
    kind = "gauge"
    if (name ~ /_total$/ || name ~ /_reported_/)
      kind = "counter"
    if (before ~ /histogram\([ \n]*"$/)
      kind = "histogram"
    kept = name ~ /_reported_|^traces_service_graph_request_total$/ ? "yes" : ""
    printf "| `%s` | %s | %s | %s | %s |\n", name, kind, labels, help, kept
  }
}
