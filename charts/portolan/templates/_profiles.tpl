{{/* What a sniffer may do, by its profile. */}}

{{- define "portolan.capabilities" -}}
{{- $profile := .Values.sniffer.profile -}}
{{- $more := dict
  "netraw" (list)
  "root-netraw" (list)
  "diagnostics" (list "SYS_ADMIN" "SYS_PTRACE")
  "tracepoint" (list "BPF" "PERFMON")
  "full" (list "BPF" "PERFMON" "SYS_ADMIN" "SYS_PTRACE") -}}
{{- concat (list "NET_RAW") (index $more $profile) | toJson -}}
{{- end -}}

{{/* A program's file carries NET_RAW for a user who is not root; more than that has only root. */}}
{{- define "portolan.snifferUser" -}}
{{- if eq .Values.sniffer.profile "netraw" }}65532{{ else }}0{{ end -}}
{{- end -}}

{{- define "portolan.snifferPodSecurity" -}}
{{- if .Values.sniffer.podSecurityContext }}
{{- toYaml .Values.sniffer.podSecurityContext }}
{{- else }}
{{- $user := include "portolan.snifferUser" . -}}
runAsUser: {{ $user }}
runAsGroup: {{ $user }}
runAsNonRoot: {{ ne $user "0" }}
seccompProfile: {type: RuntimeDefault}
{{- if .Values.global.openshift }}
seLinuxOptions: {type: spc_t}
{{- end }}
{{- end }}
{{- end -}}

{{- define "portolan.snifferSecurity" -}}
{{- if .Values.sniffer.containerSecurityContext }}
{{- toYaml .Values.sniffer.containerSecurityContext }}
{{- else }}
{{- $capabilities := include "portolan.capabilities" . | fromJsonArray -}}
# Kubernetes takes no false beside SYS_ADMIN.
allowPrivilegeEscalation: {{ has "SYS_ADMIN" $capabilities }}
readOnlyRootFilesystem: true
capabilities: {drop: [ALL], add: {{ $capabilities | toJson }}}
{{- end }}
{{- end -}}
