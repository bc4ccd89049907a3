package route_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"triage/proxy/route"
)

func TestTies(t *testing.T) {
	header := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	tests := []struct {
		name  string
		rules []route.Rule
		want  [][2]int
	}{
		{"same path", []route.Rule{{Path: "/a"}, {Path: "/a"}}, [][2]int{{0, 1}}},
		{"same path, other spelling", []route.Rule{{Path: "/%61b"}, {Path: "/ab"}}, [][2]int{{0, 1}}},
		{"three", []route.Rule{{Path: "/a/*"}, {Path: "/a/*"}, {Path: "/a/*"}}, [][2]int{{0, 1}, {1, 2}}},
		{"methods overlap", []route.Rule{{Path: "/a", Methods: []string{"GET", "POST"}}, {Path: "/a", Methods: []string{"PUT", "POST"}}}, [][2]int{{0, 1}}},
		{"methods differ", []route.Rule{{Path: "/a", Methods: []string{"GET"}}, {Path: "/a", Methods: []string{"POST"}}}, nil},
		{"head named", []route.Rule{{Path: "/a", Methods: []string{"GET"}}, {Path: "/a", Methods: []string{"HEAD"}}}, nil},
		{"methods or not", []route.Rule{{Path: "/a", Methods: []string{"GET"}}, {Path: "/a"}}, nil},
		{"exact and prefix", []route.Rule{{Path: "/a"}, {Path: "/a/*"}}, nil},
		{"hosts differ", []route.Rule{{Path: "/a", Host: "x.example"}, {Path: "/a", Host: "*.example"}, {Path: "/a"}}, nil},
		{"hosts the same", []route.Rule{{Path: "/a", Host: "X.example"}, {Path: "/a", Host: "x.example."}}, [][2]int{{0, 1}}},
		{"headers contradict", []route.Rule{{Path: "/a", Headers: header("X", "1")}, {Path: "/a", Headers: header("X", "2")}}, nil},
		{"headers can both hold", []route.Rule{{Path: "/a", Headers: header("X", "1")}, {Path: "/a", Headers: header("Y", "2")}}, [][2]int{{0, 1}}},
		{"any value", []route.Rule{{Path: "/a", Headers: header("X", "1")}, {Path: "/a", Headers: header("x", "*")}}, [][2]int{{0, 1}}},
		{"more headers", []route.Rule{{Path: "/a", Headers: header("X", "1")}, {Path: "/a", Headers: header("X", "1", "Y", "2")}}, nil},
		{"far apart", []route.Rule{{Path: "/b"}, {Path: "/a"}, {Path: "/c"}, {Path: "/a"}, {Path: "/b"}}, [][2]int{{0, 4}, {1, 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := route.New(tt.rules)
			var all route.Errors
			errors.As(err, &all)
			var got [][2]int
			for _, e := range all {
				var tie *route.TieError
				if !errors.As(e, &tie) {
					t.Fatalf("New: %v, want ties only", e)
				}
				got = append(got, [2]int{tie.A, tie.B})
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("ties %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		rule route.Rule
		want string
	}{
		{route.Rule{}, "does not begin with a slash"},
		{route.Rule{Path: "x"}, "does not begin with a slash"},
		{route.Rule{Path: "/a*"}, "star"},
		{route.Rule{Path: "/*/a"}, "star"},
		{route.Rule{Path: "/a//b"}, `"/a/b"`},
		{route.Rule{Path: "/a/../b/*"}, `"/b/"`},
		{route.Rule{Path: "/a?b"}, "query"},
		{route.Rule{Path: "/a;b"}, "parameters"},
		{route.Rule{Path: "/a%3Bb"}, "parameters"},
		{route.Rule{Path: "/a%2fb"}, "can never be requested"},
		{route.Rule{Path: "/a%"}, "can never be requested"},
		{route.Rule{Path: "/a", Host: "a:80"}, "port"},
		{route.Rule{Path: "/a", Host: "*"}, "not a name"},
		{route.Rule{Path: "/a", Host: "*."}, "not a name"},
		{route.Rule{Path: "/a", Host: "a.*.b"}, "not a name"},
		{route.Rule{Path: "/a", Methods: []string{"get"}}, `want GET`},
		{route.Rule{Path: "/a", Methods: []string{""}}, "not a method"},
		{route.Rule{Path: "/a", Methods: []string{"GET", "GET"}}, "twice"},
		{route.Rule{Path: "/a", Headers: map[string]string{"host": "x"}}, "use host"},
		{route.Rule{Path: "/a", Headers: map[string]string{"": "x"}}, "not a header name"},
		{route.Rule{Path: "/a", Headers: map[string]string{"X-a": "x", "x-A": "y"}}, "twice"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.rule), func(t *testing.T) {
			_, err := route.New([]route.Rule{{Path: "/fine"}, tt.rule})
			var wrong *route.RuleError
			if !errors.As(err, &wrong) || wrong.Rule != 1 {
				t.Fatalf("New = %v, want an error of rule 1", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %q, want it to say %q", err, tt.want)
			}
		})
	}
}
