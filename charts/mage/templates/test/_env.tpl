{{- define "mage.test.env" -}}
- {name: WEB_URL, value: "http://{{ include "mage.web.name" . }}{{ with .Values.web.basePath }}/{{ . }}{{ end }}"}
- {name: WEB_OPEN, value: {{ join "," .Values.web.open | quote }}}
- {name: SCHEDULES_FILE, value: /etc/mage/schedules/schedules.json}
- {name: TEST_PIPELINE, value: {{ .Values.test.pipeline | quote }}}
- {name: TEST_TIMEOUT, value: {{ .Values.test.timeoutSeconds | quote }}}
- {name: OWNER_EMAIL, value: {{ .Values.credentials.ownerEmail | quote }}}
- name: OWNER_PASSWORD
  {{- include "mage.secretRef" (list (include "mage.credentials.name" .) "owner-password") | nindent 2 }}
{{- end -}}
