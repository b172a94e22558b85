{{/* git-sync v4 as a sidecar of the scheduler: it starts first, and points /srv/release to each new commit. */}}
{{- define "mage.gitSync" -}}
{{- $git := .Values.project.git -}}
- name: git-sync
  image: {{ include "mage.imageReference" (list . $git.image) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  env:
    - {name: GITSYNC_REPO, value: {{ $git.repository | quote }}}
    - {name: GITSYNC_REF, value: {{ $git.ref | quote }}}
    - {name: GITSYNC_PERIOD, value: {{ $git.period }}}
    - {name: GITSYNC_ROOT, value: /srv}
    - {name: GITSYNC_LINK, value: release}
    - {name: GITSYNC_GROUP_WRITE, value: "true"}
    # A pod that waits for its project prints the error in this file.
    - {name: GITSYNC_ERROR_FILE, value: git-sync-error.json}
    # A git server that is away for an hour must not make the pod unready.
    - {name: GITSYNC_MAX_FAILURES, value: "-1"}
    # Runs that began with an older commit go on with it.
    - {name: GITSYNC_STALE_WORKTREE_TIMEOUT, value: 24h}
    - {name: HOME, value: /tmp}
    {{- if eq $git.auth "password" }}
    - name: GITSYNC_USERNAME
      {{- include "mage.secretRef" (list $git.existingSecret "username") | nindent 6 }}
    - {name: GITSYNC_PASSWORD_FILE, value: /etc/git-credentials/password}
    {{- else if eq $git.auth "ssh" }}
    - {name: GITSYNC_SSH_KEY_FILE, value: /etc/git-credentials/ssh}
    - {name: GITSYNC_SSH_KNOWN_HOSTS_FILE, value: /etc/git-credentials/known_hosts}
    {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError
  resources:
    {{- toYaml $git.resources | nindent 4 }}
  securityContext:
    {{- include "mage.containerSecurity" (include "mage.gitSync.user" .) | nindent 4 }}
  volumeMounts:
    - {name: project, mountPath: /srv}
    - {name: git-tmp, mountPath: /tmp}
    {{- if ne $git.auth "none" }}
    - {name: git-credentials, mountPath: /etc/git-credentials, readOnly: true}
    {{- end }}
{{- end -}}

{{- define "mage.gitSync.volumes" -}}
{{- if include "mage.isGit" . }}
- name: git-tmp
  emptyDir: {}
{{- if ne .Values.project.git.auth "none" }}
- name: git-credentials
  secret:
    secretName: {{ .Values.project.git.existingSecret | quote }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- end -}}

{{/* The one user that has a name in git-sync's image: ssh needs a name. The volume's group lets it write. */}}
{{- define "mage.gitSync.user" -}}65533{{- end -}}
