{{/* What the restricted Pod Security level asks for, and a read-only root file system. */}}

{{/* Complete without a pod-level context: Mage copies it into executor pods, which cannot have one. */}}
{{- define "mage.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
runAsGroup: {{ . }}
runAsNonRoot: true
runAsUser: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Volumes belong to the group, so that every pod of the release can write to them. */}}
{{- define "mage.podSecurity" -}}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "mage.user" -}}10001{{- end -}}
{{- define "mage.postgres.user" -}}999{{- end -}}
