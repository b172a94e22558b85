{{/* What makes the credentials exists only during the hook: the account is gone before anything else starts. */}}
{{- define "mage.credentials.hook" -}}
{{- $root := index . 0 -}}
{{- $events := ternary "pre-install,pre-upgrade,pre-rollback" "pre-install,pre-upgrade,pre-rollback,post-delete" $root.Values.credentials.keepOnUninstall -}}
{{ include "mage.hook" (list $events (index . 1) "before-hook-creation,hook-succeeded") }}
{{- end -}}

{{/* Each key of the credentials with the kind of value that it holds. */}}
{{- define "mage.credentials.keys" -}}
owner-password=password
jwt-secret=password
jwt-download-secret=password
secrets-key=fernet
secrets-uuid=uuid
{{- if .Values.postgres.enabled }}
postgres-password=password
database-password=password
{{- range .Values.postgres.databases }}
{{ . }}-password=password
{{- end }}
{{- end }}
{{- range $key, $schedule := .Values.schedules }}
{{- if and (eq ($schedule.type | default "time") "api") (not $schedule.token) }}
{{ $key }}-trigger-token=password
{{- end }}
{{- end }}
{{- end -}}
