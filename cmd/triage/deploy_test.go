package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"gopkg.in/yaml.v3"

	"triage/config"
)

// objects reads a file of Kubernetes objects.
func objects(t *testing.T, name, text string) (out []map[string]any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var o map[string]any
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		out = append(out, o)
	}
}

// at follows a path of keys and places.
func at(t *testing.T, o any, path ...any) any {
	t.Helper()
	for i, step := range path {
		switch in := o.(type) {
		case map[string]any:
			key, _ := step.(string)
			o = in[key]
		case []any:
			place, _ := step.(int)
			if place >= len(in) {
				t.Fatalf("nothing at %v", path[:i+1])
			}
			o = in[place]
		default:
			t.Fatalf("nothing at %v", path[:i+1])
		}
	}
	return o
}

// checkConfiguration holds a triage.yaml against what triage check says.
func checkConfiguration(t *testing.T, name, text string) {
	t.Helper()
	_, err := config.Parse(name, []byte(text))
	if err == nil {
		t.Errorf("%s: it does not want the secrets that the pod mounts", name)
		return
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.Contains(line, `cannot read "secrets/`) { // which are not in the repository
			t.Errorf("%s: %s", name, line)
		}
	}
}

// checkSidecar holds a Deployment's template against what a native sidecar has to have.
func checkSidecar(t *testing.T, o map[string]any) {
	t.Helper()
	pod := []any{"spec", "template", "spec"}
	sidecar := at(t, o, append(pod, "initContainers", 0)...)
	if at(t, sidecar, "restartPolicy") != "Always" {
		t.Error("the init container does not go on running: restartPolicy is not Always")
	}
	for _, want := range []string{"startupProbe", "livenessProbe", "readinessProbe", "resources"} {
		if at(t, sidecar, want) == nil {
			t.Errorf("the sidecar has no %s", want)
		}
	}
	if at(t, sidecar, "securityContext", "readOnlyRootFilesystem") != true || at(t, sidecar, "securityContext", "runAsNonRoot") != true {
		t.Error("the sidecar may write to its file system, or be root")
	}
	if volume := at(t, o, append(pod, "volumes", 0, "name")...); volume != at(t, sidecar, "volumeMounts", 0, "name") {
		t.Errorf("the sidecar mounts another volume than %v", volume)
	}
}

func TestDocsKustomize(t *testing.T) {
	sidecar := docText(t, "deploy/kubernetes/kustomize/sidecar/triage.yaml")
	checkConfiguration(t, "triage.yaml", sidecar)
	_, body, _ := strings.Cut(sidecar, "\n")
	if _, want, _ := strings.Cut(docText(t, "docs/examples/sidecar.yaml"), "\n"); body != want {
		t.Error("kustomize's triage.yaml is not docs/examples/sidecar.yaml")
	}
	checkSidecar(t, objects(t, "patch.yaml", docText(t, "deploy/kubernetes/kustomize/sidecar/patch.yaml"))[0])
	for _, folder := range []string{"sidecar", "example"} {
		path := "deploy/kubernetes/kustomize/" + folder + "/"
		o := objects(t, path, docText(t, path+"kustomization.yaml"))[0]
		var named []any
		for _, key := range []string{"resources", "components"} {
			list, _ := o[key].([]any)
			named = append(named, list...)
		}
		if list, _ := o["patches"].([]any); len(list) > 0 {
			named = append(named, at(t, list, 0, "path"), at(t, o, "configMapGenerator", 0, "files", 0))
		}
		if len(named) == 0 {
			t.Errorf("%s names nothing", path)
		}
		for _, name := range named {
			if _, err := os.Stat(filepath.Join("..", "..", path, fmt.Sprint(name))); err != nil {
				t.Error(err)
			}
		}
	}
	for _, o := range objects(t, "checkout.yaml", docText(t, "deploy/kubernetes/kustomize/example/checkout.yaml")) {
		if o["kind"] == "Deployment" && at(t, o, "metadata", "labels", "triage") != "sidecar" {
			t.Error("the example's Deployment lacks the label that the component looks for")
		}
	}
}

// chart renders a template of the chart as helm does, with those of its functions that the chart uses.
func chart(t *testing.T, name string, values map[string]any) (string, error) {
	t.Helper()
	toYAML := func(v any) (string, error) {
		text, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	functions := template.FuncMap{
		"toYaml": toYAML,
		"quote":  func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"nindent": func(n int, s string) string {
			pad := strings.Repeat(" ", n)
			return "\n" + pad + strings.ReplaceAll(s, "\n", "\n"+pad)
		},
		"sha256sum": func(s string) string {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:])
		},
		"required": func(why string, v any) (any, error) {
			if v == nil || v == "" {
				return nil, errors.New(why)
			}
			return v, nil
		},
	}
	parsed, err := template.New(name).Funcs(functions).Parse(docText(t, "deploy/helm/triage/templates/"+name))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, map[string]any{"Values": values, "Release": map[string]any{"Name": "checkout"}})
	return out.String(), err
}

func TestDocsChart(t *testing.T) {
	values := objects(t, "values.yaml", docText(t, "deploy/helm/triage/values.yaml"))[0]
	if _, err := chart(t, "deployment.yaml", values); err == nil {
		t.Error("without a secret the chart renders; want an error")
	}
	values["secret"] = "checkout-triage"
	render := func(name string) map[string]any {
		text, err := chart(t, name, values)
		if err != nil {
			t.Fatal(err)
		}
		return objects(t, name, text)[0]
	}
	checkSidecar(t, render("deployment.yaml"))
	checkConfiguration(t, "values.yaml", at(t, render("configmap.yaml"), "data", "triage.yaml").(string))
	labels := at(t, render("deployment.yaml"), "spec", "template", "metadata", "labels")
	if got, want := fmt.Sprint(labels), fmt.Sprint(at(t, render("service.yaml"), "spec", "selector")); got != want {
		t.Errorf("the Service selects %s, the pods have %s", want, got)
	}
	if name := at(t, render("deployment.yaml"), "spec", "template", "spec", "volumes", 0, "projected", "sources", 0, "configMap", "name"); name != at(t, render("configmap.yaml"), "metadata", "name") {
		t.Errorf("the pod wants the ConfigMap %v", name)
	}
}
