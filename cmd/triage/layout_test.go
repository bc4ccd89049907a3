package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestLayout holds the arrows of layout.txt. It reads the tree itself: the test cache does not see what a child process reads, and
// would stay green on a new violation.
func TestLayout(t *testing.T) {
	root := filepath.Join("..", "..")
	arrows := readArrows(t, "layout.txt")
	for _, problem := range layoutProblems(t, root, arrows) {
		t.Error(problem)
	}
}

// TestLayoutSeesViolations plants what the layout forbids into a copy of a small tree: a test counts once it was seen to fail.
func TestLayoutSeesViolations(t *testing.T) {
	root := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("shed/shed.go", "package shed\n\nimport _ \"triage/config\"\n")
	write("config/config.go", "package config\n\nimport _ \"gopkg.in/yaml.v3\"\n")
	write("proxy/proxy.go", "package proxy\n\nimport (\n\t_ \"triage/shed\"\n\t_ \"gopkg.in/yaml.v3\"\n)\n")
	arrows := map[arrow]bool{{"shed", "proxy"}: false, {"gopkg.in/yaml.v3", "config"}: false, {"breaker", "proxy"}: false}

	want := []string{
		`proxy/proxy.go imports gopkg.in/yaml.v3: "gopkg.in/yaml.v3 < proxy" is not in layout.txt`,
		`shed/shed.go imports triage/config: "config < shed" is not in layout.txt`,
		`layout.txt allows "breaker < proxy", but nothing uses it`,
	}
	got := layoutProblems(t, root, arrows)
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g == w
		}
		if !found {
			t.Errorf("not reported: %s\nreported: %q", w, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("reported %q; want %d problems", got, len(want))
	}
}

// arrow says that user may import used.
type arrow struct{ used, user string }

// readArrows gives the arrows of the file, none used yet.
func readArrows(t *testing.T, path string) map[arrow]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	arrows := map[arrow]bool{}
	for n, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		used, users, ok := strings.Cut(line, "<")
		if !ok {
			t.Fatalf("%s:%d: %q is not of the form \"a < b c\"", path, n+1, line)
		}
		for _, user := range strings.Fields(users) {
			arrows[arrow{strings.TrimSpace(used), user}] = false
		}
	}
	return arrows
}

// layoutProblems compares every import below root with the arrows, and marks those that are used.
func layoutProblems(t *testing.T, root string, arrows map[arrow]bool) []string {
	t.Helper()
	var problems []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root && d.Name() != ".." {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		inside = filepath.ToSlash(inside)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if problem := judgeImport(arrows, inside, imported); problem != "" {
				problems = append(problems, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for a, used := range arrows {
		if !used {
			problems = append(problems, "layout.txt allows \""+a.used+" < "+a.user+"\", but nothing uses it")
		}
	}
	return problems
}

func judgeImport(arrows map[arrow]bool, file, imported string) string {
	folder := file[:max(0, strings.LastIndex(file, "/"))]
	test := strings.HasSuffix(file, "_test.go")
	used, ours := strings.CutPrefix(imported, "triage/")
	first, _, _ := strings.Cut(imported, "/")
	if !ours && !strings.Contains(first, ".") || used == folder {
		return "" // the standard library; a test of its own package
	}
	for a := range arrows {
		matches := a.used == used || !ours && strings.HasPrefix(used, a.used+"/")
		if matches && (a.user == folder || test && a.user == "test") {
			arrows[a] = true
			return ""
		}
	}
	if test && ours && strings.HasPrefix(folder, "cmd/") {
		return "" // the end-to-end tests join parts as cmd does
	}
	return file + " imports " + imported + ": \"" + used + " < " + folder + "\" is not in layout.txt"
}
