{{/* Labels. Selectors never carry a version: they cannot change after an installation. */}}

{{- define "mage.releaseLabels" -}}
app.kubernetes.io/name: {{ include "mage.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "mage.selectorLabels" -}}
{{ include "mage.releaseLabels" . }}
app.kubernetes.io/component: {{ include "mage.component" . }}
{{- end -}}

{{- define "mage.labels" -}}
{{ include "mage.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Annotations of a hook: when it runs, in which order, and when it is deleted. */}}
{{- define "mage.hook" -}}
helm.sh/hook: {{ index . 0 }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: {{ index . 2 }}
{{- end -}}

{{/* Labels of a pod: (list $ own), with those that values add for all pods and for this component. */}}
{{- define "mage.podLabels" -}}
{{- $root := index . 0 -}}
{{- $own := index . 1 -}}
{{ include "mage.labels" $root }}
{{- with merge (dict) ($own.labels | default dict) $root.Values.pod.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The promotion's release, on a component's object and not on its pods: a new number alone restarts nothing. */}}
{{- define "mage.releaseAnnotations" -}}
{{- with .Values.release.number }}
annotations:
  mage/release: {{ . | toString | quote }}
{{- end }}
{{- end -}}
