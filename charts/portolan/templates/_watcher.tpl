{{/* The Deployment of a watcher: of a list of the root, the component, its settings and its added variables. */}}
{{- define "portolan.watcher" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $of := list $root $component -}}
{{- $values := include "portolan.values" $of | fromYaml -}}
{{- $settings := mergeOverwrite (include "portolan.reporterSettings" $of | fromYaml) (index . 2) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "portolan.metadata" (list $root $component (include "portolan.name" $of)) | nindent 2 }}
spec:
  # One: two would report everything twice.
  replicas: 1
  selector:
    matchLabels: {app: {{ include "portolan.name" $of }}}
  template:
    metadata:
      {{- include "portolan.podMetadata" $of | nindent 6 }}
    spec:
      {{- include "portolan.podSpec" $of | nindent 6 }}
      securityContext:
        {{- toYaml $values.podSecurityContext | nindent 8 }}
      containers:
        - name: {{ $component }}
          {{- include "portolan.containerSpec" $of | nindent 10 }}
          securityContext:
            {{- toYaml $values.containerSecurityContext | nindent 12 }}
          env:
            - name: POD_NAMESPACE
              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
            {{- include "portolan.env" (list $settings (index . 3)) | trim | nindent 12 }}
          ports:
            - {name: health, containerPort: 9090}
            - {name: metrics, containerPort: 2112}
          {{- include "portolan.probes" "health" | nindent 10 }}
          {{- if ne $root.Values.tls.mode "off" }}
          volumeMounts:
            - {name: mapper, mountPath: /var/run/secrets/portolan, readOnly: true}
          {{- end }}
      {{- if ne $root.Values.tls.mode "off" }}
      volumes:
        {{- include "portolan.reporterVolume" $root | nindent 8 }}
      {{- end }}
{{- end -}}

{{/* Who has the rules of a Role or ClusterRole of the same name: of a list of the root, the component, Role or ClusterRole,
the name, and the namespace of a Role. */}}
{{- define "portolan.binding" -}}
{{- $root := index . 0 -}}
{{- $kind := index . 2 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- include "portolan.metadata" (list $root (index . 1) (index . 3) "cluster") | nindent 2 }}
  {{- if eq $kind "Role" }}
  namespace: {{ index . 4 }}
  {{- end }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $kind }}, name: {{ index . 3 }}}
subjects:
  - {kind: ServiceAccount, name: {{ include "portolan.name" . }}, namespace: {{ $root.Release.Namespace }}}
{{- end -}}
