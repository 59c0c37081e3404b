{{/* What a sniffer needs of its node: the network and the processes. It never talks to the Kubernetes API. */}}
{{- define "portolan.snifferNode" -}}
automountServiceAccountToken: false
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
securityContext:
  {{- include "portolan.snifferPodSecurity" . | nindent 2 }}
volumes:
  - name: proc
    hostPath: {path: /proc, type: Directory}
  {{- if ne .Values.tls.mode "off" }}
  {{- include "portolan.reporterVolume" . | nindent 2 }}
  {{- end }}
  {{- if ne (toString .Values.sniffer.spool.disk) "0" }}
  - name: spool
    emptyDir: {sizeLimit: {{ .Values.sniffer.spool.disk }}}
  {{- end }}
{{- end -}}

{{- define "portolan.snifferContainer" -}}
{{- include "portolan.containerSpec" (list . "sniffer") }}
securityContext:
  {{- include "portolan.snifferSecurity" . | nindent 2 }}
env:
  - name: PORTOLAN_NODE_NAME
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  {{- include "portolan.env" (list (include "portolan.snifferSettings" . | fromYaml) .Values.sniffer.extraEnvVars) | trim | nindent 2 }}
volumeMounts:
  - {name: proc, mountPath: /hostproc, readOnly: true}
  {{- if ne .Values.tls.mode "off" }}
  - {name: mapper, mountPath: /var/run/secrets/portolan, readOnly: true}
  {{- end }}
  {{- if ne (toString .Values.sniffer.spool.disk) "0" }}
  - {name: spool, mountPath: /spool}
  {{- end }}
{{- end -}}

{{- define "portolan.snifferSettings" -}}
{{ include "portolan.reporterSettings" (list . "sniffer") | trim }}
HEALTH_PROBES_PORT: {{ .Values.sniffer.healthProbesPort | quote }}
HOST_PROC_DIR: /hostproc
SPOOL_SIZE: {{ .Values.sniffer.spool.memory | quote }}
{{- if ne (toString .Values.sniffer.spool.disk) "0" }}
SPOOL_DIR: /spool
SPOOL_DIR_SIZE: {{ .Values.sniffer.spool.disk | quote }}
{{- end }}
{{- end -}}
