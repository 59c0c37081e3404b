{{- define "portolan.mapperSettings" -}}
{{- $values := .Values -}}
{{- $accounts := list -}}
{{- if $values.sniffer.enable }}{{ $accounts = append $accounts (printf "%s:otterize-network-sniffer" .Release.Namespace) }}{{ end -}}
{{- if $values.kafkawatcher.enable }}{{ $accounts = append $accounts (printf "%s:otterize-kafka-watcher" .Release.Namespace) }}{{ end -}}
{{- if $values.enableIstioCollection }}{{ $accounts = append $accounts (printf "%s:otterize-istio-watcher" .Release.Namespace) }}{{ end -}}
ACCESS: {{ $values.access }}
CLUSTER_DOMAIN: {{ $values.clusterDomain | quote }}
CLUSTER_NAME: {{ $values.clusterName | quote }}
CONTROL_PLANE_IPV4_CIDR_PREFIX_LENGTH: {{ $values.global.controlPlaneIPv4CIDRPrefixLength | toString | replace "<nil>" "" | quote }}
DATA_DIR: /data
{{- if $values.debug }}
DEBUG: "true"
{{- end }}
DNS_CLIENT_INTENTS_UPDATE_ENABLED: {{ $values.dnsClientIntentsUpdateEnabled | quote }}
{{- if $values.opentelemetry.enable }}
ENABLE_OTEL_EXPORT: "true"
OTEL_METRIC_NAME: {{ $values.opentelemetry.metricName | quote }}
{{- end }}
EXCLUDE_NAMESPACES: {{ join " " $values.mapper.excludeNamespaces | quote }}
EXPIRY: {{ $values.mapper.expiry | quote }}
{{- if $values.mapper.mapMetrics.enabled }}
MAP_METRICS: "true"
MAP_METRICS_EDGES: {{ $values.mapper.mapMetrics.edges | quote }}
{{- end }}
METRICS_PORT: "2112"
READ_SUBJECTS: {{ join " " $values.mapper.readSubjects | quote }}
REPORT_SUBJECTS: {{ join " " (concat $accounts $values.mapper.reportSubjects) | quote }}
RESET_SUBJECTS: {{ join " " $values.mapper.resetSubjects | quote }}
{{- if ne $values.tls.mode "off" }}
TLS_CERT_FILE: /etc/portolan/tls/tls.crt
TLS_KEY_FILE: /etc/portolan/tls/tls.key
{{- end }}
{{- if $values.global.experimentalUseDockerImageAsServiceNameForJobs }}
USE_IMAGE_NAME_FOR_SERVICE_ID_FOR_JOBS: "true"
{{- end }}
WORKLOAD_NAME_OVERRIDE_ANNOTATION: {{ $values.global.serviceNameOverrideAnnotationName | default $values.global.workloadNameOverrideAnnotationName | quote }}
{{- end -}}

{{/* What was added to the mapper's environment; in the replaced system the Istio watcher was a part of the mapper, so that
its settings stand there too. */}}
{{- define "portolan.mapperEnv" -}}
{{- $kept := list -}}
{{- range .Values.mapper.extraEnvVars | default list }}{{ if not (regexMatch "^(PORTOLAN|OTTERIZE)_ISTIO_" .name) }}{{ $kept = append $kept . }}{{ end }}{{ end -}}
{{- toJson $kept -}}
{{- end -}}

{{- define "portolan.istioEnv" -}}
{{- $all := .Values.istiowatcher.extraEnvVars | default list -}}
{{- range .Values.mapper.extraEnvVars | default list }}{{ if regexMatch "^(PORTOLAN|OTTERIZE)_ISTIO_" .name }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- toJson $all -}}
{{- end -}}
