{{/*
Rules between keys, which a schema cannot express. Each finding is a line "key – problem – fix"; all are reported
at once.
Every rule is a define of its own that prints its lines, or nothing.
*/}}

{{- define "mage.validate" -}}
{{- $findings := list -}}
{{- range $rule := list "environment" "scheduler" "database" "databases" "io" "schedules" "project" "entrance" "volumes" -}}
{{- $findings = concat $findings (include (printf "mage.validate.%s" $rule) $ | trim | splitList "\n" | compact) -}}
{{- end -}}
{{- if $findings -}}
{{- fail (printf "\n\nThese values cannot be installed (key – problem – fix):\n\n  %s\n" (join "\n  " $findings)) -}}
{{- end -}}
{{- end -}}

{{- define "mage.validate.environment" -}}
{{- if not .Values.env }}
env – is empty – install with -f environments/NAME/values.yaml, or name the environment
{{- end }}
{{- end -}}

{{- define "mage.validate.scheduler" -}}
{{- if gt (int .Values.scheduler.replicas) 1 }}
scheduler.replicas – is {{ .Values.scheduler.replicas }}: each scheduler would run every block – use 1, and scheduler.concurrency or executor.type: k8s for more work at once
{{- end }}
{{- end -}}

{{- define "mage.validate.database" -}}
{{- with .Values.database.external }}
{{- $isExternal := include "mage.database.isExternal" $ }}
{{- if and .host .urlSecret.name }}
database.external.urlSecret – is given beside database.external.host – keep one of the two
{{- else if and .urlSecret.name (not .urlSecret.key) }}
database.external.urlSecret.key – is empty – name the key of Secret {{ .urlSecret.name }} that holds the URL
{{- else if and .host (not .passwordSecret.name) }}
database.external.passwordSecret.name – is empty – name the Secret that holds the password of {{ .user }}
{{- end }}
{{- if and (not $isExternal) (not $.Values.postgres.enabled) }}
postgres.enabled – is false and there is no other database for Mage – give database.external.host or urlSecret, or enable it
{{- end }}
{{- if and $isExternal $.Values.postgres.enabled (not $.Values.postgres.databases) }}
postgres.enabled – is true, but Mage's metadata is in database.external and no block database is asked for – set it to false
{{- end }}
{{- end }}
{{- end -}}

{{- define "mage.validate.databases" -}}
{{- if and .Values.postgres.databases (not .Values.postgres.enabled) }}
postgres.databases – are asked for, but postgres.enabled is false – enable it, or give the connections in io
{{- end }}
{{- range .Values.postgres.databases }}
{{- if has . (list "mage" "postgres") }}
postgres.databases – {{ . }} is taken: by Mage's metadata or by the server itself – choose another name
{{- end }}
{{- end }}
{{- end -}}

{{- define "mage.validate.io" -}}
{{- $chart := list (include "mage.coreEnv" .) (include "mage.web.env" .) (include "mage.scheduler.env" .) | join "\n" }}
{{- $core := include "mage.names" $chart | splitList " " }}
{{- $databases := include "mage.names" (include "mage.blockDatabases.env" .) | splitList " " }}
{{- range $name, $_ := .Values.io.secrets }}
{{- if hasKey $.Values.io.settings $name }}
io.secrets.{{ $name }} – is in io.settings too – keep one of the two
{{- end }}
{{- end }}
{{- range $key := list "io.settings" "io.secrets" "pod.env" }}
{{- $path := splitList "." $key }}
{{- range $name, $_ := get (get $.Values (first $path)) (last $path) }}
{{- if has $name $core }}
{{ $key }}.{{ $name }} – is set by the chart – remove it, or change the values that the chart makes it from
{{- else if has $name $databases }}
{{ $key }}.{{ $name }} – is made by postgres.databases – remove one of the two
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $secret := .Values.io.secrets }}
{{- if not (or $secret.name $.Values.io.existingSecret) }}
io.secrets.{{ $name }} – names no Secret – write {name: SECRET, key: KEY}, or give io.existingSecret for all
{{- end }}
{{- end }}
{{- if and .Values.io.externalSecrets.enabled (not .Values.io.externalSecrets.store.name) }}
io.externalSecrets.store.name – is empty – name the SecretStore to read from
{{- end }}
{{- end -}}

{{- define "mage.validate.schedules" -}}
{{- $only := dict "interval" "time" "startTime" "time" "landingTimeEnabled" "time" "createInitialPipelineRun" "time" "skipIfPreviousRunning" "time" "token" "api" "eventMatchers" "event" }}
{{- $words := list "@hourly" "@daily" "@weekly" "@monthly" }}
{{- range $key, $schedule := .Values.schedules }}
{{- $type := $schedule.type | default "time" }}
{{- range $field, $for := $only }}
{{- if and (hasKey $schedule $field) (ne $type $for) }}
schedules.{{ $key }}.{{ $field }} – is read only with type: {{ $for }} – remove it, or correct the type
{{- else if and (not (hasKey $schedule $field)) (eq $type $for) (has $field (list "interval" "eventMatchers")) }}
schedules.{{ $key }}.{{ $field }} – is missing – write it, or correct the type
{{- end }}
{{- end }}
{{- if and $schedule.landingTimeEnabled (not (and $schedule.startTime (has $schedule.interval $words))) }}
schedules.{{ $key }}.landingTimeEnabled – Mage ignores it without startTime, and with another interval than {{ join ", " $words }} – write both, or remove it
{{- end }}
{{- if and (eq $type "api") (not (regexMatch "^[A-Za-z0-9._-]+$" $key)) }}
schedules.{{ $key }} – the key of an API trigger also names its token in a Secret – use letters, digits, -, _ and ., and write the trigger's own name as name
{{- end }}
{{- end }}
{{- end -}}

{{- define "mage.validate.project" -}}
{{- if include "mage.isGit" . }}
{{- with .Values.project.git }}
{{- if not .repository }}
project.git.repository – is empty – give the address of the repository, or use project.source: image
{{- end }}
{{- if and (ne .auth "none") (not .existingSecret) }}
project.git.existingSecret – is empty, but project.git.auth is {{ .auth }} – name the Secret with the credentials
{{- end }}
{{- if and (eq .auth "password") (not (hasPrefix "https://" .repository)) }}
project.git.auth – is password, but the repository's address does not begin with https:// – use an https:// address, so that the password is not sent in clear text
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "mage.validate.entrance" -}}
{{- if and .Values.ingress.enabled .Values.httpRoute.enabled }}
httpRoute.enabled – is true beside ingress.enabled – keep one of the two
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
ingress.host – is empty – give the host name at which people open Mage
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.parentRefs – is empty – name the Gateway
{{- end }}
{{- if and .Values.networkPolicy.enabled (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.networkPolicy.webFrom) }}
networkPolicy.webFrom – is empty: the network policy would block the ingress controller – name the controller's pods, e.g. [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]
{{- end }}
{{- end -}}

{{- define "mage.validate.volumes" -}}
{{- range $name, $_ := .Values.pod.volumes }}
{{- if has $name (list "app" "tmp" "data" "secrets-key" "executor" "project" "database-ca" "schedules" "trigger-tokens" "git-tmp" "git-credentials") }}
pod.volumes.{{ $name }} – is a volume of the chart – choose another name
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.pod.volumeMounts }}
{{- if not (hasKey $.Values.pod.volumes $name) }}
pod.volumeMounts.{{ $name }} – has no volume of that name in pod.volumes – add the volume, or remove the mount
{{- end }}
{{- end }}
{{- end -}}

{{/* The names of a list of environment variables, as text with spaces between. */}}
{{- define "mage.names" -}}
{{- range fromYamlArray . }}{{ .name }} {{ end -}}
{{- end -}}
