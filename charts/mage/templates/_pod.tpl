{{/*
What web, scheduler, executor and hook pods share, so that they can never run different code, environment or mounts.
Mage copies image, env, volumes and mounts of the scheduler's container into executor pods.
*/}}

{{- define "mage.repoPath" -}}/srv/release/{{ .Values.project.folder }}{{- end -}}
{{- define "mage.dataDir" -}}/var/lib/mage{{- end -}}
{{- define "mage.isK8s" -}}{{- if eq .Values.executor.type "k8s" -}}true{{- end -}}{{- end -}}
{{- define "mage.isGit" -}}{{- if eq .Values.project.source "git" -}}true{{- end -}}{{- end -}}

{{/* The names that io and pod.env may not take: one list for the environment and for its validation. */}}
{{- define "mage.coreEnv" -}}
- {name: ENV, value: {{ .Values.env | quote }}}
- {name: PYTHONPATH, value: "/app:/srv/release/packages:/srv/release"}
- {name: HOME, value: /tmp/home}
- {name: MAGE_REPO_PATH, value: {{ include "mage.repoPath" . }}}
- {name: MAGE_DATA_DIR, value: {{ include "mage.dataDir" . }}}
- {name: MAGE_CLUSTER_UUID, value: {{ include "mage.fullname" . | quote }}} # begins the names of executor Jobs
- {name: MAGE_CONTAINER_NAME, value: mage}
- {name: KUBE_NAMESPACE, value: {{ .Release.Namespace | quote }}}
# The plain local executor cancels runs when memory looks full, and it counts the page cache.
# MAGE.md: memory-guard
- {name: DEFAULT_EXECUTOR_TYPE, value: {{ ternary "k8s" "local_python_force" (eq .Values.executor.type "k8s") }}}
{{- if include "mage.isK8s" . }}
- {name: K8S_CONFIG_FILE, value: /etc/mage/executor/k8s.yaml}
{{- end }}
- {name: REQUIRE_USER_AUTHENTICATION, value: "1"}
- {name: DISABLE_NOTEBOOK_EDIT_ACCESS, value: "1"} # what runs here comes from a release
- {name: DISABLE_TERMINAL, value: "1"}
# MAGE.md: autoreload-in-dev
- {name: DISABLE_AUTORELOAD, value: "1"} # which ENV=dev turns on
{{ include "mage.database.env" . | trim }}
{{- end -}}

{{/* A text as the value of a variable. Kubernetes would read $(NAME) in it as another variable, and $$ as $. */}}
{{- define "mage.asWritten" -}}{{ replace "$" "$$" . | quote }}{{- end -}}

{{- define "mage.env" -}}
{{ include "mage.coreEnv" . }}
{{- with include "mage.blockDatabases.env" . | trim }}
{{ . }}
{{- end }}
{{- range $name, $value := .Values.io.settings }}
- {name: {{ $name }}, value: {{ include "mage.asWritten" $value }}}
{{- end }}
{{- range $name, $secret := .Values.io.secrets }}
- name: {{ $name }}
  {{- include "mage.secretRef" (list ($secret.name | default $.Values.io.existingSecret) ($secret.key | default $name)) | nindent 2 }}
{{- end }}
{{- range $name, $value := .Values.pod.env }}
{{- if kindIs "map" $value }}
- name: {{ $name }}
  {{- toYaml $value | nindent 2 }}
{{- else }}
- {name: {{ $name }}, value: {{ include "mage.asWritten" $value }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "mage.volumeMounts" -}}
- {name: app, mountPath: /app, readOnly: true}
- {name: tmp, mountPath: /tmp}
- {name: data, mountPath: {{ include "mage.dataDir" . }}}
- {name: secrets-key, mountPath: {{ include "mage.dataDir" . }}/secrets, readOnly: true}
{{- if include "mage.isK8s" . }}
- {name: executor, mountPath: /etc/mage/executor, readOnly: true}
{{- end }}
{{- if include "mage.isGit" . }}
- {name: project, mountPath: /srv, readOnly: true}
{{- end }}
{{- if include "mage.database.hasOwnCa" . }}
- {name: database-ca, mountPath: /etc/mage/database-ca, readOnly: true}
{{- end }}
{{- range $name, $mount := .Values.pod.volumeMounts }}
- {{ toYaml (merge (dict "name" $name) $mount) | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{/* (list $ shared): pods that share Mage's data mount the claim; the others get a folder of their own. */}}
{{- define "mage.volumes" -}}
{{- $root := index . 0 -}}
{{- $shared := index . 1 -}}
{{- with $root -}}
- name: app
  configMap:
    name: {{ include "mage.app.name" . }}
    defaultMode: 0555
    items:
      {{- range $path, $_ := .Files.Glob "files/mage_pod/*.py" }}
      - {key: {{ base $path }}, path: mage_pod/{{ base $path }}}
      {{- end }}
      - {key: run_app.sh, path: run_app.sh}
      - {key: release.json, path: release.json}
- name: tmp
  emptyDir: {}
- name: data
  {{- if $shared }}
  persistentVolumeClaim: {claimName: {{ include "mage.data.name" . | quote }}}
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: secrets-key
  secret:
    secretName: {{ include "mage.credentials.name" . | quote }}
    defaultMode: 0444 # Mage cannot give executor pods the volumes' group; the one user in the container is ours
    items:
      # MAGE.md: secret-key-files
      - {key: secrets-key, path: key}
      - {key: secrets-uuid, path: uuid}
{{- if include "mage.isK8s" . }}
- name: executor
  configMap: {name: {{ include "mage.executor.name" . }}}
{{- end }}
{{- if include "mage.isGit" . }}
- name: project
  persistentVolumeClaim: {claimName: {{ include "mage.project.name" . | quote }}}
{{- end }}
{{- if include "mage.database.hasOwnCa" . }}
- name: database-ca
  secret:
    secretName: {{ .Values.database.external.caSecret.name | quote }}
    items: [{key: {{ .Values.database.external.caSecret.key | quote }}, path: ca.crt}]
{{- end }}
{{- range $name, $volume := .Values.pod.volumes }}
- {{ toYaml (merge (dict "name" $name) $volume) | nindent 2 | trim }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* A container that runs a module of mage_pod: (dict "root" $ "name" n "module" args "resources" r "env" extra). */}}
{{- define "mage.container" -}}
- name: {{ .name }}
  {{- include "mage.image" .root | nindent 2 }}
  command: [python3, -m, {{ join ", " .module }}]
  workingDir: / # below the project, Python would keep importing from an older checkout
  env:
    {{- include "mage.env" .root | nindent 4 }}
    {{- with .env }}
    {{- . | nindent 4 }}
    {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError # `kubectl describe pod` then says why it failed
  resources:
    {{- toYaml .resources | nindent 4 }}
  securityContext:
    {{- include "mage.containerSecurity" (include "mage.user" .root) | nindent 4 }}
  volumeMounts:
    {{- include "mage.volumeMounts" .root | nindent 4 }}
    {{- with .volumeMounts }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Waits for database and project, checks the connections' names, brings the schema to head, or says why not. */}}
{{- define "mage.prepare" -}}
{{ include "mage.container" (dict "root" .root "name" "prepare" "module" (list "mage_pod.prepare") "resources" .resources "env" .env) }}
{{- end -}}

{{- define "mage.podAnnotations" -}}
{{- $root := index . 0 -}}
{{- $own := index . 1 -}}
mage/app: {{ ($root.Files.Glob "files/**").AsConfig | sha256sum | trunc 16 | quote }}
{{- with merge (dict) ($own.annotations | default dict) $root.Values.pod.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where a pod may run, from one `pod` of values. */}}
{{- define "mage.ownScheduling" -}}
{{- range $key := list "nodeSelector" "tolerations" "topologySpreadConstraints" "affinity" }}
{{- with get $ $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* For Mage's pods: (list $ own shared), the component's settings before those for all; `shared` as above. */}}
{{- define "mage.scheduling" -}}
{{- $root := index . 0 -}}
{{- $own := merge (dict) (index . 1) $root.Values.pod -}}
{{- $shared := index . 2 -}}
{{ include "mage.ownScheduling" $own }}
{{- if and $shared (not $own.affinity) (include "mage.sharesOneNode" $root) }}
# A ReadWriteOnce volume can be mounted by many pods, but on one node only.
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          {{- include "mage.volumeSharers" $root | nindent 10 }}
{{- end }}
{{- end -}}

{{- define "mage.sharesOneNode" -}}
{{- if eq .Values.persistence.accessMode "ReadWriteOnce" -}}true{{- end -}}
{{- end -}}

{{- define "mage.volumeSharers" -}}
{{- include "mage.peer" (list . (list "web" "scheduler" "executor" "schedules" "test")) }}
{{- end -}}

{{- define "mage.extraContainers" -}}
{{- range $name, $container := .containers }}
- {{ toYaml (merge (dict "name" $name) $container) | nindent 2 | trim }}
{{- end }}
{{- end -}}
