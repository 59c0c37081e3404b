{{/* Settings of the programs, as environment. */}}

{{/* Of a list of settings, as KEY: value, and the variables that somebody added: one of these with the same key, under
either prefix, goes before ours. Settings without a value are left out. */}}
{{- define "portolan.env" -}}
{{- $extra := index . 1 | default list -}}
{{- $given := dict -}}
{{- range $extra }}{{ $_ := set $given (.name | trimPrefix "PORTOLAN_" | trimPrefix "OTTERIZE_") true }}{{ end -}}
{{- range $key, $value := index . 0 }}
{{- $text := $value | toString }}
{{- if not (or (hasKey $given $key) (kindIs "invalid" $value) (eq $text "")) }}
- name: PORTOLAN_{{ $key }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- with $extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Those that every reporter has. */}}
{{- define "portolan.reporterSettings" -}}
{{- $root := index . 0 -}}
{{- if ne $root.Values.tls.mode "off" }}
MAPPER_API_URL: https://otterize-network-mapper:9090/query
MAPPER_CA_FILE: /var/run/secrets/portolan/ca.crt
MAPPER_TOKEN_FILE: /var/run/secrets/portolan/token
{{- else }}
MAPPER_API_URL: http://otterize-network-mapper:9090/query
{{- end }}
METRICS_PORT: {{ include "portolan.metricsPort" . | quote }}
{{- if $root.Values.debug }}
DEBUG: "true"
{{- end }}
{{- end -}}

{{/* The token that a reporter shows to the mapper, and the authority that vouches for the mapper. */}}
{{- define "portolan.reporterVolume" -}}
- name: mapper
  projected:
    sources:
      - serviceAccountToken: {audience: portolan, expirationSeconds: 3600, path: token}
      {{- if eq .Values.tls.mode "generated" }}
      - configMap:
          name: otterize-network-mapper-ca
          items: [{key: ca.crt, path: ca.crt}]
      {{- else }}
      - secret:
          name: {{ .Values.tls.secretName }}
          items: [{key: ca.crt, path: ca.crt}]
      {{- end }}
{{- end -}}

{{/* The probes of a program, of which a restart may help (/healthz), and which has its work (/readyz). */}}
{{- define "portolan.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: {{ . }}}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: {{ . }}}
  periodSeconds: 20
  timeoutSeconds: 5
readinessProbe:
  httpGet: {path: /readyz, port: {{ . }}}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}
