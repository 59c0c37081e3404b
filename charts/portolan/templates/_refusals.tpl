{{/* Values that cannot be taken. Every file begins with these, as Helm renders them in an order of its own. */}}

{{- define "portolan.refuse" -}}
{{- $values := .Values -}}
{{- range $component := list "mapper" "sniffer" "kafkawatcher" }}
  {{- $repository := dig $component "repository" "" $values.AsMap | default "" | toString }}
  {{- $image := dig $component "image" "" $values.AsMap | default "" | toString }}
  {{- $tag := dig $component "tag" "" $values.AsMap | default "" | toString }}
  {{- $old := "" }}
  {{- if regexMatch "(^|/)otterize$" $repository }}
    {{- $old = printf "%s.repository is %q" $component $repository }}
  {{- else if regexMatch "(^|/)network-mapper(-sniffer|-kafka-watcher)?$" $image }}
    {{- $old = printf "%s.image is %q" $component $image }}
  {{- else if regexMatch "^v[0-9]" $tag }}
    {{- $old = printf "%s.tag is %q" $component $tag }}
  {{- end }}
  {{- if $old }}
    {{- fail (printf "%s: that is an image of the replaced network mapper, which this chart cannot run. Remove repository, image and tag of %s from your values; with `helm upgrade` from the replaced chart, give your values anew (--reset-values --values FILE), as --reuse-values takes its defaults along" $old $component) }}
  {{- end }}
{{- end }}
{{- if not (dig "tls" "mode" "" $values.AsMap) }}
  {{- fail "the defaults of this chart are missing, so these are values of another chart or version: use --reset-then-reuse-values, or --reset-values --values FILE, instead of --reuse-values" }}
{{- end }}
{{- $durations := dict
  "mapper.expiry" $values.mapper.expiry
  "tls.certManager.duration" $values.tls.certManager.duration
  "kafkawatcher.kafkaReportInterval" $values.kafkawatcher.kafkaReportInterval
  "kafkawatcher.kafkaCooldownInterval" $values.kafkawatcher.kafkaCooldownInterval
  "istiowatcher.cooldownInterval" $values.istiowatcher.cooldownInterval
  "istiowatcher.reportInterval" $values.istiowatcher.reportInterval
  "istiowatcher.metricFetchTimeout" $values.istiowatcher.metricFetchTimeout }}
{{- range $key, $value := $durations }}
  {{- if not (regexMatch "^(0|([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))*)$" (toString (default "" $value))) }}
    {{- fail (printf "%s is %q: expected a duration with its unit, such as 500ms, 10s or 1m30s" $key (toString $value)) }}
  {{- end }}
{{- end }}
{{- $sizes := dict
  "mapper.persistence.size" $values.mapper.persistence.size
  "sniffer.spool.memory" $values.sniffer.spool.memory
  "sniffer.spool.disk" $values.sniffer.spool.disk }}
{{- range $key, $value := $sizes }}
  {{- if not (regexMatch "^[0-9]+([KMGT]i)?$" (toString $value)) }}
    {{- fail (printf "%s is %q: expected bytes, such as 512Mi or 2Gi" $key (toString $value)) }}
  {{- end }}
{{- end }}
{{- range $values.kafkawatcher.kafkaServers }}
  {{- if not (regexMatch "^[a-z0-9-]+[.][a-z0-9-]+$" .) }}
    {{- fail (printf "kafkawatcher.kafkaServers has %q: expected a broker's pod as pod.namespace, such as kafka-0.kafka" .) }}
  {{- end }}
{{- end }}
{{- if and (eq $values.tls.mode "off") (ne $values.access "open") }}
  {{- fail "tls.mode is off: without TLS nobody but a port-forward reaches the mapper. Set access to open too, or take another tls.mode" }}
{{- end }}
{{- if and (eq $values.tls.mode "cert-manager") (not $values.tls.certManager.issuerRef.name) }}
  {{- fail "tls.mode is cert-manager: say in tls.certManager.issuerRef.name which issuer signs the mapper's certificate" }}
{{- end }}
{{- range $values.kafkawatcher.kafkaSelectors }}
  {{- if not (regexMatch "^[a-z0-9-]+/[^ ]+$" .) }}
    {{- fail (printf "kafkawatcher.kafkaSelectors has %q: expected namespace/labels, such as kafka/app.kubernetes.io/name=kafka" .) }}
  {{- end }}
{{- end }}
{{- if and $values.kafkawatcher.enable (not $values.kafkawatcher.kafkaServers) (not $values.kafkawatcher.kafkaSelectors) (not $values.kafkawatcher.extraEnvVars) }}
  {{- fail "kafkawatcher.enable is true, but there is no broker to watch: name their pods in kafkawatcher.kafkaServers, such as kafka-0.kafka (pod.namespace), or their labels in kafkawatcher.kafkaSelectors" }}
{{- end }}
{{- end -}}

{{/* Values of the replaced chart that have no effect here, as lines of text. */}}
{{- define "portolan.dead" -}}
{{- $values := .Values.AsMap -}}
{{- $dead := list
  (list "mapper.uploadIntervalSeconds" "nothing is uploaded to a cloud")
  (list "sniffer.useExtendedProcfsResolution" "pods are known by their UID, not by their host name")
  (list "webhook" "there is no webhook")
  (list "aws" "the webhook for it was removed from the replaced chart too")
  (list "visibilitydns" "the DNS server for it was removed from the replaced chart too")
  (list "nodeagent" "there is no eBPF agent")
  (list "piidetector" "there is no detector of personal data")
  (list "istiowatcher.enable" "enableIstioCollection switches the Istio watcher on and off")
  (list "global.otterizeCloud" "nothing is uploaded to a cloud")
  (list "global.telemetry" "no telemetry is ever sent")
  (list "global.azure" "it had no effect in the replaced chart either") -}}
{{- if eq (toString (index $values "enableInternetFacingTrafficReporting")) "false" }}
  enableInternetFacingTrafficReporting: external traffic is always seen; leave it out where you list or export the map
{{- end }}
{{- range $dead }}
  {{- $here := $values }}
  {{- $there := true }}
  {{- range splitList "." (index . 0) }}
    {{- if and (kindIs "map" $here) (hasKey $here .) }}
      {{- $here = index $here . }}
    {{- else }}
      {{- $there = false }}
      {{- $here = dict }}
    {{- end }}
  {{- end }}
  {{- if and $there $here (not (and (kindIs "map" $here) (empty $here))) }}
  {{ index . 0 }}: {{ index . 1 }}
  {{- end }}
{{- end }}
{{- end -}}
