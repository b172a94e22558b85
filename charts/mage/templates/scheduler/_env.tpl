{{- define "mage.scheduler.env" -}}
- {name: SCHEDULER_TRIGGER_INTERVAL, value: {{ .Values.scheduler.interval | quote }}}
- {name: SCHEDULER_CONCURRENCY, value: {{ .Values.scheduler.concurrency | quote }}}
- {name: SCHEDULER_DRAIN_SECONDS, value: {{ .Values.scheduler.drainSeconds | quote }}}
{{- end -}}
