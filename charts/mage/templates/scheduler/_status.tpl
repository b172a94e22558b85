{{/*
Beside the scheduler, until it has drained: it prints how runs end and which triggers were changed by hand. Who may
read logs can ask it. It has no variables, secrets or files of blocks.
*/}}
{{- define "mage.scheduler.status" -}}
- name: status
  {{- include "mage.image" . | nindent 2 }}
  command: [python3, -m, mage_pod.status]
  restartPolicy: Always
  env:
    - {name: PYTHONPATH, value: /app}
    - {name: MAGE_REPO_PATH, value: {{ include "mage.repoPath" . }}}
    {{- include "mage.scheduler.releaseEnv" . | nindent 4 }}
    {{- include "mage.database.env" . | trim | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  resources:
    requests: {cpu: 10m, memory: 48Mi}
    limits: {memory: 128Mi}
  securityContext:
    {{- include "mage.containerSecurity" (include "mage.user" .) | nindent 4 }}
  volumeMounts:
    - {name: app, mountPath: /app, readOnly: true}
    {{- if include "mage.isGit" . }}
    - {name: project, mountPath: /srv, readOnly: true}
    {{- end }}
    {{- if include "mage.database.hasOwnCa" . }}
    - {name: database-ca, mountPath: /etc/mage/database-ca, readOnly: true}
    {{- end }}
{{- end -}}
