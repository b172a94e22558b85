{{/* What only the web needs: who may log in. Blocks never see it. */}}
{{- define "mage.web.env" -}}
{{- $credentials := include "mage.credentials.name" . -}}
- {name: WEB_DRAIN_SECONDS, value: {{ .Values.web.drainSeconds | quote }}}
- {name: WEB_OPEN, value: {{ join "," .Values.web.open | quote }}}
{{- with .Values.web.basePath }}
- {name: MAGE_BASE_PATH, value: {{ . | quote }}}
{{- end }}
- {name: DEFAULT_OWNER_USERNAME, value: owner}
{{ include "mage.owner.env" . }}
- name: JWT_SECRET
  {{- include "mage.secretRef" (list $credentials "jwt-secret") | nindent 2 }}
- name: JWT_DOWNLOAD_SECRET
  {{- include "mage.secretRef" (list $credentials "jwt-download-secret") | nindent 2 }}
{{- end -}}

{{/* For the web's first container, too: it gives Mage's owner the Secret's current password. */}}
{{- define "mage.owner.env" -}}
- {name: DEFAULT_OWNER_EMAIL, value: {{ .Values.credentials.ownerEmail | quote }}}
- name: DEFAULT_OWNER_PASSWORD
  {{- include "mage.secretRef" (list (include "mage.credentials.name" .) "owner-password") | nindent 2 }}
{{- end -}}
