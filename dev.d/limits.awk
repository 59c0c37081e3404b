# Turns the constants that bound something into tables: all of the files `limits.rs`, and every MAX_… elsewhere.

function readable(value) {
  gsub(/_/, "", value)
  if (match(value, /^Duration::from_(secs|millis|mins|hours)\([0-9]+\)$/)) {
    number = value
    gsub(/[^0-9]/, "", number)
    unit = value ~ /secs/ ? "s" : value ~ /millis/ ? "ms" : value ~ /mins/ ? "min" : "h"
    return number " " unit
  }
  if (value ~ /^[0-9]+ << [123]0$/) {
    split(value, part, " << ")
    return part[1] " " (part[2] == 10 ? "KiB" : part[2] == 20 ? "MiB" : "GiB")
  }
  if (value ~ /^[0-9]+$/) {
    while (match(value, /[0-9][0-9][0-9][0-9]($| )/))
      value = substr(value, 1, RSTART) " " substr(value, RSTART + 1)
    return value
  }
  return "`" value "`"
}

FNR == 1 {
  why = ""
  tests = 0
  crate = FILENAME
  sub(/^crates\//, "", crate)
  sub(/\/.*/, "", crate)
}

/^#\[cfg\(test\)\]/ { tests = 1 }

/^ *\/\/\/ ?/ {
  line = $0
  sub(/^ *\/\/\/ ?/, "", line)
  why = why (why == "" ? "" : " ") line
  next
}

/^(pub(\([a-z]+\))? )?const [A-Z0-9_]+: [A-Za-z0-9]+ =/ && !tests {
  name = $0
  sub(/^.*const /, "", name)
  sub(/:.*/, "", name)
  if ((FILENAME ~ /\/limits\.rs$/ || name ~ /^MAX_/) && why != "") {
    value = $0
    sub(/^[^=]*= */, "", value)
    # A long value has the next line to itself.
    if (value == "" && (getline value) > 0) sub(/^ */, "", value)
    sub(/;.*$/, "", value)
    gsub(/\|/, "\\|", why)
    gsub(/\[`/, "`", why)
    gsub(/`\](\([^)]*\))?/, "`", why)
    if (crate != before) {
      print (before == "" ? "" : "\n") "## `" crate "`\n\n| bound | value | why |\n|---|---:|---|"
      before = crate
    }
    print "| `" name "` | " readable(value) " | " why " |"
  }
}

{ why = "" }
