{{/* Names, labels and images: those of the replaced chart, so that an upgrade replaces its objects in place and tools find
the mapper. Most helpers take a list of the root and a component: mapper, sniffer, kafka-watcher, istio-watcher. */}}

{{- define "portolan.name" -}}
{{- $component := index . 1 -}}
{{- if has $component (list "mapper" "sniffer") -}}
otterize-network-{{ $component }}
{{- else -}}
otterize-{{ $component }}
{{- end -}}
{{- end -}}

{{/* The values of a component. */}}
{{- define "portolan.values" -}}
{{- $root := index . 0 -}}
{{- index $root.Values (index . 1 | replace "-" "") | toYaml -}}
{{- end -}}

{{- define "portolan.labels" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.global.commonLabels }}
{{- toYaml . | nindent 0 }}
{{- end }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/name: network-mapper
app.kubernetes.io/part-of: otterize
app.kubernetes.io/version: {{ $root.Chart.Version | quote }}
{{- end -}}

{{/* What stands under metadata: of a list of the root, the component, the name, and "cluster" where there is no namespace. */}}
{{- define "portolan.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
{{- if lt (len .) 4 }}
namespace: {{ $root.Release.Namespace }}
{{- end }}
labels:
  {{- include "portolan.labels" . | trim | nindent 2 }}
annotations:
  {{- with $root.Values.global.commonAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  app.kubernetes.io/version: {{ $root.Chart.Version | quote }}
{{- end -}}

{{/* metadata of the pods of a component. Meshes keep out: the mapper looks at the first byte of a connection, and whose
it is tells who may do what. */}}
{{- define "portolan.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "portolan.labels" . | trim | nindent 2 }}
  app: {{ include "portolan.name" . }}
  istio.io/dataplane-mode: none
  sidecar.istio.io/inject: "false"
  {{- with $root.Values.global.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  app.kubernetes.io/version: {{ $root.Chart.Version | quote }}
  linkerd.io/inject: disabled
  sidecar.istio.io/inject: "false"
  {{- if $root.Values.scrapeAnnotations }}
  prometheus.io/path: /metrics
  prometheus.io/port: {{ include "portolan.metricsPort" . | quote }}
  prometheus.io/scrape: "true"
  {{- end }}
  {{- with $root.Values.global.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "portolan.metricsPort" -}}
{{- $root := index . 0 -}}
{{- if eq (index . 1) "sniffer" }}{{ $root.Values.sniffer.metricsPort }}{{ else }}2112{{ end -}}
{{- end -}}

{{- define "portolan.image" -}}
{{- $root := index . 0 -}}
{{- $values := include "portolan.values" . | fromYaml -}}
{{- $repository := $values.repository | default $root.Values.global.imageRepository -}}
{{- with $repository }}{{ . }}/{{ end }}{{ $values.image }}:{{ $values.tag | default $root.Chart.AppVersion -}}
{{- end -}}

{{/* What all pods of ours have at the level of the pod, from their values. */}}
{{- define "portolan.podSpec" -}}
{{- $values := include "portolan.values" . | fromYaml -}}
serviceAccountName: {{ include "portolan.name" . }}
enableServiceLinks: false
{{- with $values.pullSecrets }}
imagePullSecrets:
  - name: {{ . }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The image of a container, and what it may use. */}}
{{- define "portolan.containerSpec" -}}
{{- $values := include "portolan.values" . | fromYaml -}}
image: {{ include "portolan.image" . | quote }}
{{- with $values.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
