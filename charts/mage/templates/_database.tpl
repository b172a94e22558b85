{{/* Connections: Mage's metadata, and the databases that the chart's PostgreSQL keeps for blocks. */}}

{{- define "mage.database.isExternal" -}}
{{- with .Values.database.external -}}
{{- if or .host .urlSecret.name -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{- define "mage.database.hasOwnCa" -}}
{{- if and (include "mage.database.isExternal" .) .Values.database.external.caSecret.name -}}true{{- end -}}
{{- end -}}

{{/* Parts, not a URL: the password stays a reference, and mage_pod.database encodes it where it is used. */}}
{{- define "mage.database.env" -}}
{{- $external := .Values.database.external -}}
{{- if $external.urlSecret.name }}
- name: DB_URL
  {{- include "mage.secretRef" (list $external.urlSecret.name $external.urlSecret.key) | nindent 2 }}
{{- else if $external.host }}
- {name: DB_HOST, value: {{ include "mage.asWritten" $external.host }}}
- {name: DB_PORT, value: {{ $external.port | quote }}}
- {name: DB_NAME, value: {{ include "mage.asWritten" $external.name }}}
- {name: DB_USER, value: {{ include "mage.asWritten" $external.user }}}
- name: DB_PASS
  {{- include "mage.secretRef" (list $external.passwordSecret.name $external.passwordSecret.key) | nindent 2 }}
{{- else }}
- {name: DB_HOST, value: {{ include "mage.postgres.name" . }}}
- {name: DB_PORT, value: "5432"}
- {name: DB_NAME, value: mage}
- {name: DB_USER, value: mage}
- name: DB_PASS
  {{- include "mage.secretRef" (list (include "mage.credentials.name" .) "database-password") | nindent 2 }}
{{- end }}
{{- if include "mage.database.isExternal" . }}
- {name: DB_SSLMODE, value: {{ $external.sslMode }}}
{{- if include "mage.database.hasOwnCa" . }}
- {name: DB_SSLROOTCERT, value: /etc/mage/database-ca/ca.crt}
{{- end }}
{{- else }}
# Set, so that a PGSSLMODE meant for a warehouse does not reach the chart's own PostgreSQL.
- {name: DB_SSLMODE, value: disable}
{{- end }}
- {name: DATABASE_TIMEOUT, value: {{ .Values.database.timeoutSeconds | quote }}}
{{- end -}}

{{/* NAME_HOST … NAME_PASSWORD for each database that the chart's PostgreSQL keeps for blocks. */}}
{{- define "mage.blockDatabases.env" -}}
{{- range .Values.postgres.databases }}
{{- $name := upper . }}
- {name: {{ $name }}_HOST, value: {{ include "mage.postgres.name" $ }}}
- {name: {{ $name }}_PORT, value: "5432"}
- {name: {{ $name }}_DATABASE, value: {{ . | quote }}}
- {name: {{ $name }}_USER, value: {{ . | quote }}}
- name: {{ $name }}_PASSWORD
  {{- include "mage.secretRef" (list (include "mage.credentials.name" $) (printf "%s-password" .)) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The value of a variable by reference: (list secret key). */}}
{{- define "mage.secretRef" -}}
valueFrom:
  secretKeyRef: {name: {{ index . 0 | quote }}, key: {{ index . 1 | quote }}}
{{- end -}}

{{/* The databases of the chart's PostgreSQL, each with a role of its own: Mage's metadata first. */}}
{{- define "mage.postgres.databases" -}}
{{ prepend .Values.postgres.databases "mage" | join " " }}
{{- end -}}
