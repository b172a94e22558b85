{{/* What the web alone needs to know: who may log in. Blocks never see it. */}}
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

{{/* Its first container, too: it lets Mage's owner have the password that the Secret holds now. */}}
{{- define "mage.owner.env" -}}
- {name: DEFAULT_OWNER_EMAIL, value: {{ .Values.credentials.ownerEmail | quote }}}
- name: DEFAULT_OWNER_PASSWORD
  {{- include "mage.secretRef" (list (include "mage.credentials.name" .) "owner-password") | nindent 2 }}
{{- end -}}
