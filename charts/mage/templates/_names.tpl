{{/* One name per object; every template and NOTES.txt takes it from here. */}}

{{- define "mage.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* 40 characters leave room for the component and for the suffixes that Kubernetes and Mage add. */}}
{{- define "mage.fullname" -}}
{{- $name := include "mage.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The component is the folder of the template that is being rendered: a moved file gets the right name. */}}
{{- define "mage.component" -}}
{{- base (dir .Template.Name) -}}
{{- end -}}

{{/* The object's name, for a template in its component's folder. */}}
{{- define "mage.object" -}}
{{- printf "%s-%s" (include "mage.fullname" .) (include "mage.component" .) -}}
{{- end -}}

{{- define "mage.web.name" -}}{{ include "mage.fullname" . }}-web{{- end -}}
{{- define "mage.scheduler.name" -}}{{ include "mage.fullname" . }}-scheduler{{- end -}}
{{- define "mage.executor.name" -}}{{ include "mage.fullname" . }}-executor{{- end -}}
{{- define "mage.postgres.name" -}}{{ include "mage.fullname" . }}-postgres{{- end -}}
{{- define "mage.schedules.name" -}}{{ include "mage.fullname" . }}-schedules{{- end -}}
{{- define "mage.app.name" -}}{{ include "mage.fullname" . }}-app{{- end -}}
{{- define "mage.project.name" -}}{{ include "mage.fullname" . }}-project{{- end -}}

{{- define "mage.data.name" -}}
{{- .Values.persistence.existingClaim | default (printf "%s-data" (include "mage.fullname" .)) -}}
{{- end -}}

{{- define "mage.credentials.name" -}}
{{- .Values.credentials.existingSecret | default (printf "%s-credentials" (include "mage.fullname" .)) -}}
{{- end -}}
