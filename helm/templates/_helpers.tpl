{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "proxtop.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Names end with -aggregator-headless and the like: 40 leaves room within 63. */}}
{{- define "proxtop.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "proxtop.name" .) .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "proxtop.name" .) | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "proxtop.selector" -}}
app.kubernetes.io/name: {{ include "proxtop.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* root, component */}}
{{- define "proxtop.labels" -}}
{{ include "proxtop.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: proxtop
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* root, image */}}
{{- define "proxtop.image" -}}
{{- $repository := .image.repository -}}
{{- if .root.Values.image.registry -}}
{{- $repository = printf "%s/%s" .root.Values.image.registry .image.repository -}}
{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "proxtop.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "proxtop.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "proxtop.keySecret" -}}
{{- default (printf "%s-key" (include "proxtop.fullname" .)) .Values.key.existingSecret -}}
{{- end -}}

{{/* The stable name of aggregator .i, as a cluster's pods know it. */}}
{{- define "proxtop.aggregatorHost" -}}
{{- $name := include "proxtop.fullname" .root -}}
{{- printf "%s-aggregator-%d.%s-aggregator-headless.%s.svc" $name .i $name .root.Release.Namespace -}}
{{- end -}}

{{/* Where agents send to, comma separated. */}}
{{- define "proxtop.aggregators" -}}
{{- $root := . -}}
{{- $urls := list -}}
{{- range $i := until (int .Values.aggregator.replicas) -}}
{{- if $root.Values.stunnel.enabled -}}
{{- $urls = append $urls (printf "tcp://127.0.0.1:%d" (add 7420 $i)) -}}
{{- else -}}
{{- $urls = append $urls (printf "tcp://%s:7410" (include "proxtop.aggregatorHost" (dict "root" $root "i" $i))) -}}
{{- end -}}
{{- end -}}
{{- join "," $urls -}}
{{- end -}}

{{/* A sidecar; root, name of the entry in the config map. */}}
{{- define "proxtop.stunnel" -}}
- name: stunnel
  image: {{ required "stunnel.image: an image with stunnel4" .root.Values.stunnel.image | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: ["/usr/bin/stunnel4", "/etc/stunnel-proxtop/{{ .entry }}"]
  securityContext:
    runAsNonRoot: true
    runAsUser: 65534
    runAsGroup: 65534
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  resources: {{ toYaml .root.Values.stunnel.resources | nindent 4 }}
  volumeMounts:
    - {name: stunnel-config, mountPath: /etc/stunnel-proxtop, readOnly: true}
    - {name: stunnel-certificates, mountPath: /etc/stunnel-certificates, readOnly: true}
{{- end -}}

{{- define "proxtop.stunnelVolumes" -}}
- name: stunnel-config
  configMap:
    name: {{ include "proxtop.fullname" . }}-stunnel
- name: stunnel-certificates
  secret:
    secretName: {{ required "stunnel.existingSecret: a secret with ca.crt, tls.crt, tls.key" .Values.stunnel.existingSecret }}
    defaultMode: 292 # 0444
{{- end -}}
