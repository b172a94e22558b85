{{/* The Secret's keys with the tokens of API triggers: {schedule: {name: SECRET, key: KEY}}, as JSON. */}}
{{- define "mage.triggerTokens" -}}
{{- $tokens := dict -}}
{{- range $key, $schedule := .Values.schedules -}}
{{- if eq ($schedule.type | default "time") "api" -}}
{{- $own := dict "name" (include "mage.credentials.name" $) "key" (printf "%s-trigger-token" $key) -}}
{{- $_ := set $tokens $key ($schedule.token | default $own) -}}
{{- end -}}
{{- end -}}
{{- toJson $tokens -}}
{{- end -}}

{{- define "mage.schedules.mounts" -}}
- {name: schedules, mountPath: /etc/mage/schedules, readOnly: true}
{{- if . }}
- {name: trigger-tokens, mountPath: /etc/mage/trigger-tokens, readOnly: true}
{{- end }}
{{- end -}}
