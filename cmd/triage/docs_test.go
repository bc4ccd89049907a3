package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"triage/config"
	"triage/proxy"
	"triage/proxy/admin"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
)

// docRoot is the top of the tree.
const docRoot = "../.."

// docText reads a file of the tree.
func docText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(docRoot, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// docFiles gives the files for people: paths from the top of the tree.
func docFiles(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "DECISIONS.md", "CHANGELOG.md"}
	for _, folder := range []string{"docs", "deploy"} {
		err := filepath.WalkDir(filepath.Join(docRoot, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				path, err = filepath.Rel(docRoot, path)
				found = append(found, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// docRows gives the cells of every table row whose first cell is code, by what stands in it.
func docRows(text string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			rows[name[1]] = cells[1:]
		}
	}
	return rows
}

// docSection is what stands below a heading, up to the next of the same or a higher level.
func docSection(text, heading string) string {
	_, below, ok := strings.Cut(text, "\n"+heading+"\n")
	if !ok {
		return ""
	}
	level, _, _ := strings.Cut(heading, " ")
	if end := regexp.MustCompile(fmt.Sprintf(`(?m)^#{1,%d} `, len(level))).FindStringIndex(below); end != nil {
		below = below[:end[0]]
	}
	return below
}

func TestDocsSchemaIsTheProgram(t *testing.T) {
	want, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if docText(t, "docs/triage.schema.json") != string(want) {
		t.Error("docs/triage.schema.json is not what 'triage schema' prints; run 'make schema'")
	}
}

// scenarioExample is for triage bench, and no configuration.
const scenarioExample = "docs/examples/scenario.yaml"

func TestDocsScenariosCanBeRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(docText(t, scenarioExample)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := command(t, "bench", "check", path)
	if code != exitFine || strings.Count(stdout, " is fine: ") != 3 {
		t.Errorf("exit %d, %s%s; want three scenarios that are fine", code, stdout, stderr)
	}
}

// docExamples copies the examples to a folder where the secrets that they name exist.
func docExamples(t *testing.T) (folder string, names []string) {
	t.Helper()
	folder = t.TempDir()
	secrets := filepath.Join(folder, "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokens", "session.key", "tls.crt", "tls.key"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte("viewer prometheus 0123456789abcdef\n"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	cert, key, _ := certificate(t)
	for from, to := range map[string]string{cert: "tls.crt", key: "tls.key"} {
		if err := os.Rename(from, filepath.Join(secrets, to)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range docFiles(t) {
		if !strings.HasPrefix(path, "docs/examples/") || path == scenarioExample {
			continue
		}
		name := filepath.Base(path)
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(docText(t, path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, names
}

func TestDocsExamplesLoad(t *testing.T) {
	folder, names := docExamples(t)
	if len(names) < 4 {
		t.Fatalf("docs/examples has %q; want at least minimal, shop, sidecar and tls", names)
	}
	const modeline = "# yaml-language-server: $schema=../triage.schema.json\n"
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(docText(t, "docs/examples/"+name), modeline) {
				t.Errorf("the first line is not %q", modeline)
			}
			loaded, err := loadConfig(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			if path := loaded.File.Admin.TokensFile; path != "" {
				if _, err := admin.LoadTokens(path); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDocsSnippetsAreFiles(t *testing.T) {
	minimal := docText(t, "docs/examples/minimal.yaml")
	if got := strings.Count(minimal, "\n"); got != 12 {
		t.Errorf("minimal.yaml has %d lines; README.md promises twelve", got)
	}
	if !strings.Contains(docText(t, "README.md"), "```yaml\n"+minimal+"```\n") {
		t.Error("README.md does not show docs/examples/minimal.yaml as it is")
	}
	var indented strings.Builder
	for line := range strings.Lines(docText(t, "docs/examples/sidecar.yaml")) {
		indented.WriteString("    " + line)
	}
	if !strings.Contains(docText(t, "deploy/kubernetes/sidecar.yaml"), "  triage.yaml: |\n"+indented.String()+"---\n") {
		t.Error("the ConfigMap in deploy/kubernetes/sidecar.yaml is not docs/examples/sidecar.yaml")
	}
}

// docAnchor is the anchor of a heading as GitHub makes it.
func docAnchor(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "# ")))
	return strings.ReplaceAll(regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(heading, ""), " ", "-")
}

func TestDocsLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, path := range docFiles(t) {
		if filepath.Ext(path) != ".md" {
			continue
		}
		for _, match := range link.FindAllStringSubmatch(docText(t, path), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := path
			if target != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(path), target))
			}
			if _, err := os.Stat(filepath.Join(docRoot, file)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", path, match[1])
				continue
			}
			if anchor != "" && !docHasAnchor(docText(t, file), anchor) {
				t.Errorf("%s: %s has no heading for the link %s", path, file, match[1])
			}
		}
	}
}

func docHasAnchor(text, anchor string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") && docAnchor(line) == anchor {
			return true
		}
	}
	return false
}

func TestDocsHaveEveryKey(t *testing.T) {
	rows := docRows(docText(t, "docs/configuration.md"))
	known := map[string]bool{}
	for _, key := range config.Reference() {
		known[key.Path] = true
		fallback := key.Default
		switch fallback {
		case "":
			fallback = "none"
		case "required":
		default:
			fallback = "`" + fallback + "`"
		}
		want := []string{key.Type, fallback, key.Doc}
		if got := rows[key.Path]; !slices.Equal(got, want) {
			t.Errorf("docs/configuration.md says of %s: %q\nwant the row: | `%s` | %s |", key.Path, got, key.Path, strings.Join(want, " | "))
		}
	}
	for name, cells := range rows {
		if len(cells) == 3 && !known[name] && !strings.HasPrefix(name, "-") {
			t.Errorf("docs/configuration.md has the key %s, which there is not", name)
		}
	}
}

func TestDocsHaveEveryReason(t *testing.T) {
	text := docText(t, "docs/operating.md")
	known := map[string]bool{}
	for _, r := range reason.All() {
		known[r.String()] = true
		section := docSection(text, "#### "+r.String())
		switch {
		case len(section) < 60:
			t.Errorf("docs/operating.md has no section #### %s that says what it means", r)
		case !strings.HasPrefix(strings.TrimSpace(section), strconv.Itoa(r.Status())):
			t.Errorf("docs/operating.md, %s: does not begin with its status, %d", r, r.Status())
		case !strings.Contains(section, "Do: ") && !strings.Contains(section, "Look at"):
			t.Errorf("docs/operating.md, %s: does not say what to look at or to do", r)
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^#### (.+)$`).FindAllStringSubmatch(text, -1) {
		if !known[heading[1]] {
			t.Errorf("docs/operating.md has the reason %q, which there is not", heading[1])
		}
	}
}

func TestDocsHaveEveryMetric(t *testing.T) {
	rows := docRows(docText(t, "docs/operating.md"))
	known := map[string]bool{}
	for _, m := range telemetry.Names() {
		known[m.Name] = true
		labels := strings.Join(m.Labels, ", ")
		if labels == "" {
			labels = "none"
		}
		want := []string{m.Type, labels, m.Help}
		if got := rows[m.Name]; !slices.Equal(got, want) {
			t.Errorf("docs/operating.md says of %s: %q\nwant the row: | `%s` | %s |", m.Name, got, m.Name, strings.Join(want, " | "))
		}
	}
	named := regexp.MustCompile(`\btriage_[a-z_]+\b`)
	series := regexp.MustCompile(`_(bucket|sum|count)$`)
	for _, path := range docFiles(t) {
		for _, name := range named.FindAllString(docText(t, path), -1) {
			if !known[name] && !known[series.ReplaceAllString(name, "")] {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
	}
}

// docLogFields writes one line of each kind and gives the fields of all.
func docLogFields(t *testing.T) map[string]any {
	t.Helper()
	var out bytes.Buffer
	tel, err := telemetry.New(telemetry.Settings{Log: telemetry.LogSettings{Writer: &out, Refusals: 100}})
	if err != nil {
		t.Fatal(err)
	}
	tel.Route("a", "b", "c").Record(&proxy.Exchange{
		ID: "1", Start: time.Now(), Client: netip.MustParseAddr("192.0.2.1"), Reason: reason.Limit, Result: proxy.Refused, Status: 503, Trace: &proxy.Trace{},
	})
	ended, end := context.WithCancel(t.Context())
	end()
	if err := tel.Run(ended); err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatalf("access log line %q: %v", out.String(), err)
	}
	return fields
}

func TestDocsHaveEveryLogField(t *testing.T) {
	section := docSection(docText(t, "docs/operating.md"), "## Log")
	rows := docRows(section)
	fields := docLogFields(t)
	if len(fields) < 20 {
		t.Fatalf("the access log has only %d fields", len(fields))
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if rows[field] == nil {
			t.Errorf("docs/operating.md has no row for the field %s of the access log", field)
		}
	}
	for _, result := range proxy.Results() {
		if !strings.Contains(section, "`"+result.String()+"`") {
			t.Errorf("docs/operating.md does not say what the result %s means", result)
		}
	}
	message := regexp.MustCompile(`\.(?:Info|Warn|Error)\("([^"]+)"|\.Log\(ctx, level, "([^"]+)"`)
	for path, text := range docSources(t) {
		for _, match := range message.FindAllStringSubmatch(text, -1) {
			if said := match[1] + match[2]; !strings.HasPrefix(path, "bench/") && rows[said] == nil {
				t.Errorf("docs/operating.md has no row for the log message %q of %s", said, path)
			}
		}
	}
}

// docSources gives the Go files that are not tests, by path.
func docSources(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	err := filepath.WalkDir(docRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		path, _ = filepath.Rel(docRoot, path)
		sources[filepath.ToSlash(path)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// The sentences and words of the laws have no list that could be walked, so they are read out of the source.
func TestDocsHaveEveryWordOfTheLaws(t *testing.T) {
	sources := docSources(t)
	text := docText(t, "docs/operating.md")
	for _, c := range []struct {
		path, pattern, row string
		least              int
	}{
		{"shed/limit/limit.go", `(?m)^\s+\w+\s+Reason = "([^"]+)"`, "| %s | ", 10},
		{"shed/level/level.go", `(?m)^\s+\w+\s+Reason = "([^"]+)"`, "| %s | ", 5},
		{"shed/limit/limit.go", `(?m)"(steady|hold|drain|look)"`, "`%s`", 4},
		{"shed/*.go", `entries\.add\(now, "(\w+)"`, "| `%s` | ", 4},
		{"proxy/*.go", `Kind: "(\w+)"`, "| `%s` | ", 1},
	} {
		found := 0
		for path, source := range sources {
			if ok, _ := filepath.Match(c.path, path); !ok {
				continue
			}
			for _, match := range regexp.MustCompile(c.pattern).FindAllStringSubmatch(source, -1) {
				found++
				if want := fmt.Sprintf(c.row, match[1]); !strings.Contains(text, want) {
					t.Errorf("docs/operating.md does not explain %q of %s: want %q in it", match[1], path, want)
				}
			}
		}
		if found < c.least {
			t.Errorf("%s: only %d words found by %s; has the source changed its form?", c.path, found, c.pattern)
		}
	}
}

// docQueries gives every query of the dashboard.
func docQueries(t *testing.T) (queries []string) {
	t.Helper()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if expr, ok := v["expr"].(string); ok {
				queries = append(queries, expr)
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	var dashboard any
	if err := json.Unmarshal([]byte(docText(t, "deploy/grafana/triage.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	walk(dashboard)
	return queries
}

// Every metric that the dashboard asks for exists, with every label that it names of it.
func TestDocsDashboardMatchesTheMetrics(t *testing.T) {
	labels := map[string][]string{}
	for _, m := range telemetry.Names() {
		labels[m.Name] = append(m.Labels, "instance", "le")
	}
	queries := docQueries(t)
	if len(queries) < 20 {
		t.Fatalf("the dashboard has only %d queries", len(queries))
	}
	selector := regexp.MustCompile(`\b(triage_[a-z_]+)(\{[^}]*\})?`)
	label := regexp.MustCompile(`(\w+)(?:=|!=|=~|!~)"`)
	by := regexp.MustCompile(`by \(([^)]+)\)`)
	for _, query := range queries {
		found := selector.FindAllStringSubmatch(query, -1)
		if len(found) == 0 {
			t.Errorf("the query %s asks for nothing of Triage's", query)
		}
		for _, m := range found {
			known, ok := labels[m[1]]
			if !ok {
				known, ok = labels[regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(m[1], "")]
			}
			if !ok {
				t.Errorf("there is no metric %s, which the dashboard asks for: %s", m[1], query)
				continue
			}
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(known, l[1]) {
					t.Errorf("%s has no label %s: %s", m[1], l[1], query)
				}
			}
			for _, list := range by.FindAllStringSubmatch(query, -1) {
				for l := range strings.SplitSeq(list[1], ", ") {
					if !slices.Contains(known, l) {
						t.Errorf("%s has no label %s: %s", m[1], l, query)
					}
				}
			}
		}
	}
}

func TestDocsAlertsAreExplained(t *testing.T) {
	rules := docText(t, "deploy/prometheus/alerts.yaml") + docText(t, "deploy/prometheus/objective.yaml")
	manual := docSection(docText(t, "docs/operating.md"), "## Alerts")
	alerts := regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	if len(alerts) == 0 {
		t.Fatal("no alerts found")
	}
	for _, alert := range alerts {
		if !strings.Contains(manual, "| "+alert[1]+" | ") {
			t.Errorf("docs/operating.md does not explain the alert %s", alert[1])
		}
	}
	if got := strings.Count(manual, "| Triage"); got != len(alerts) {
		t.Errorf("docs/operating.md explains %d alerts; there are %d", got, len(alerts))
	}
	words := map[string]bool{}
	for _, r := range reason.All() {
		words[r.String()] = true
	}
	for _, list := range regexp.MustCompile(`reason=~?"([^"]+)"`).FindAllStringSubmatch(rules, -1) {
		for word := range strings.SplitSeq(list[1], "|") {
			if !words[word] {
				t.Errorf("alerts.yaml asks for the reason %q, which there is not", word)
			}
		}
	}
}

func TestDocsDecisionsAreNumbered(t *testing.T) {
	text := docText(t, "DECISIONS.md")
	headings := regexp.MustCompile(`(?m)^## (\d+)\. .+$`).FindAllStringSubmatch(text, -1)
	given, last := map[string]bool{}, 0
	for _, heading := range headings {
		number, err := strconv.Atoi(heading[1])
		if err != nil || number <= last {
			t.Errorf("DECISIONS.md has %q after number %d; want numbers that grow", heading[0], last)
		}
		given[heading[1]], last = true, number
		section := docSection(text, heading[0])
		lines := strings.Split(heading[0]+"\n"+strings.TrimSpace(section), "\n")
		if len(lines) > 15 {
			t.Errorf("%q has %d lines; want at most 15", heading[0], len(lines))
		}
		for _, part := range []string{"- Decision: ", "- Price: ", "- Revisit: "} {
			if !strings.Contains(section, part) {
				t.Errorf("%q has no line %q", heading[0], part)
			}
		}
	}
	cited := regexp.MustCompile(`DECISIONS(?:\.md)?,? (\d+)`)
	for path, source := range docSources(t) {
		for _, match := range cited.FindAllStringSubmatch(source, -1) {
			if !given[match[1]] {
				t.Errorf("%s cites %q; there is no such decision", path, match[0])
			}
		}
	}
}

// docCommandLines gives the command lines of triage in code of a text, from the command on.
func docCommandLines(text string) [][]string {
	var found [][]string
	for _, match := range regexp.MustCompile("(?m)^    (?:\\./|go run \\./cmd/)?triage (.*)$|`triage ([^`]+)`").FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(match[1]+match[2], "#")
		line, _, _ = strings.Cut(line, ">")
		found = append(found, strings.Fields(line))
	}
	return found
}

func TestDocsCommandsExist(t *testing.T) {
	seen := 0
	for _, path := range docFiles(t) {
		for _, words := range docCommandLines(docText(t, path)) {
			seen++
			if problem := docCommandProblem(words); problem != "" {
				t.Errorf("%s: triage %s: %s", path, strings.Join(words, " "), problem)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d command lines found", seen)
	}
}

func docCommandProblem(words []string) string {
	command, rest, err := newRoot().Find(words)
	if err != nil || !command.HasParent() {
		return "there is no such command"
	}
	for _, word := range rest {
		name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if strings.HasPrefix(word, "-") && !docHasFlag(command, name) {
			return "there is no flag " + word
		}
	}
	return ""
}

func docHasFlag(command *cobra.Command, name string) bool {
	return command.Flag(name) != nil || len(name) == 1 && command.Flags().ShorthandLookup(name) != nil
}

func TestDocsTellNoMachine(t *testing.T) {
	private := regexp.MustCompile(`(^|[\s"'(=])/(work|root|home|tmp|Users)\b`)
	for _, path := range docFiles(t) {
		for i, line := range strings.Split(docText(t, path), "\n") {
			if private.MatchString(line) {
				t.Errorf("%s:%d names a place of one machine: %s", path, i+1, line)
			}
		}
	}
}
