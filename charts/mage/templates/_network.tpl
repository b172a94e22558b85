{{/* Rules that several network policies share, and the selector of their pods. */}}

{{- define "mage.egress.dns" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{/* The address of the API server is not known here; behind its Service it may listen on either port. */}}
{{- define "mage.egress.apiServer" -}}
- ports:
    - {port: 443, protocol: TCP}
    - {port: 6443, protocol: TCP}
{{- end -}}

{{- define "mage.egress.postgres" -}}
{{- if .Values.postgres.enabled }}
- to:
    - podSelector:
        {{- include "mage.peer" (list . (list "postgres")) | nindent 8 }}
  ports:
    - {port: postgres, protocol: TCP}
{{- end }}
{{- end -}}

{{/* Pods of this release, by component: (list $ components). */}}
{{- define "mage.peer" -}}
matchLabels:
  {{- include "mage.releaseLabels" (index . 0) | nindent 2 }}
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: [{{ join ", " (index . 1) }}]}
{{- end -}}

{{/* What pods that run blocks or notebooks need. */}}
{{- define "mage.egress.blocks" -}}
{{ include "mage.egress.dns" . }}
{{- include "mage.egress.postgres" . }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A network policy cannot name a host: so Mage's database may be wherever blocks may connect to. */}}
{{- define "mage.egress.externalDatabase" -}}
{{- if include "mage.database.isExternal" . }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}
