package admin_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"triage/proxy/admin"
)

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	// The process' umask may have taken bits away.
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadTokens(t *testing.T) {
	path := write(t, "# who may do what\n\nviewer wall "+viewerToken+" # the screen\n\toperator  ana\t"+operatorToken+"\r\nadmin root "+adminToken, 0o640)
	got, err := admin.LoadTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := tokens(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLoadTokensProblems(t *testing.T) {
	good := "viewer wall " + viewerToken + "\n"
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		problems   []string
	}{
		{"readable by others", good, 0o644, []string{"mode 0644", "chmod 640"}},
		{"writable by others", good, 0o602, []string{"mode 0602"}},
		{"empty", "# nothing\n", 0o600, []string{"no token"}},
		{"short token", "viewer wall 123456789012345\n", 0o600, []string{":1: ", "at least 16"}},
		{"unknown role", good + "root ana " + operatorToken, 0o600, []string{":2: ", "viewer, operator or admin"}},
		{"role named none", "none ana " + operatorToken, 0o600, []string{":1: ", "no such role"}},
		{"two words", "viewer " + viewerToken, 0o600, []string{":1: 2 words"}},
		{"four words", good + "\nviewer a b " + viewerToken, 0o600, []string{":3: 4 words"}},
		{"same token", good + "admin ana " + viewerToken, 0o600, []string{":2: ", "line 1"}},
		{"all at once", "x\ny\n", 0o600, []string{":1: 1 words", ":2: 1 words"}},
		{"too large", strings.Repeat("#", 1<<20+1), 0o600, []string{"larger than"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text, c.mode)
			got, err := admin.LoadTokens(path)
			if err == nil {
				t.Fatalf("got %d tokens and no error", len(got))
			}
			for _, want := range append(c.problems, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want one that says %q", err, want)
				}
			}
			if strings.Contains(err.Error(), viewerToken) || strings.Contains(err.Error(), operatorToken) {
				t.Errorf("the error tells a token: %v", err)
			}
		})
	}
}

func TestLoadTokensFromNowhere(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "missing"), t.TempDir()} {
		if _, err := admin.LoadTokens(path); err == nil {
			t.Errorf("%s: got no error", path)
		}
	}
}

func TestRoleWords(t *testing.T) {
	for role, want := range map[admin.Role]string{0: "none", admin.Viewer: "viewer", admin.Operator: "operator", admin.Administrator: "admin", 4: "none", -1: "none"} {
		if got := role.String(); got != want {
			t.Errorf("role %d: got %q, want %q", int(role), got, want)
		}
	}
}

func FuzzLoadTokens(f *testing.F) {
	f.Add("viewer wall " + viewerToken + "\n# x\n")
	f.Add("\xff \x00 \r\n\r")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "tokens")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := admin.LoadTokens(path)
		if (err == nil) != (len(got) > 0) {
			t.Errorf("got %d tokens with error %v from %q", len(got), err, text)
		}
		for _, token := range got {
			if len(token.Token) < 16 || token.Name == "" || token.Role < admin.Viewer || token.Role > admin.Administrator {
				t.Errorf("got an invalid token %+v from %q", token, text)
			}
		}
	})
}
