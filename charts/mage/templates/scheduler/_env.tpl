{{- define "mage.scheduler.env" -}}
- {name: SCHEDULER_TRIGGER_INTERVAL, value: {{ .Values.scheduler.interval | quote }}}
- {name: SCHEDULER_CONCURRENCY, value: {{ .Values.scheduler.concurrency | quote }}}
- {name: SCHEDULER_DRAIN_SECONDS, value: {{ .Values.scheduler.drainSeconds | quote }}}
{{ include "mage.scheduler.releaseEnv" . }}
{{- if not (include "mage.isGit" .) }}
- {name: MAGE_POD_CHECKOUTS, value: {{ include "mage.dataDir" . }}/.checkouts}
{{- end }}
{{- end -}}

{{/* With these a container knows the number of the release that runs of its image begin with. */}}
{{- define "mage.scheduler.releaseEnv" -}}
- {name: MAGE_POD_IMAGE, value: {{ include "mage.imageReference" (list . .Values.image) | quote }}}
- {name: MAGE_POD_RELEASE, value: /app/release.json}
{{- end -}}
