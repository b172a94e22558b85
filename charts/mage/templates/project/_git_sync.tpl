{{/* git-sync v4 as a sidecar of the scheduler: it is started first and flips /srv/release to each new commit. */}}
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
    - {name: GITSYNC_HTTP_BIND, value: ":6791"}
    # A git server that is away for an hour must not end the pod and the blocks that run in it.
    - {name: GITSYNC_MAX_FAILURES, value: "-1"}
    # Blocks that began in the older checkout still read it.
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
  ports:
    - {name: git-sync, containerPort: 6791}
  # Answers once the first checkout is there, so that what follows finds the project.
  startupProbe:
    httpGet: {path: /, port: git-sync}
    periodSeconds: 1
    failureThreshold: 300
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

{{/* The user that git-sync's image knows by name, which ssh asks for; the volume's group lets it write. */}}
{{- define "mage.gitSync.user" -}}65533{{- end -}}
