package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Role says what a token may do; a higher one may do all that a lower one may.
type Role int

// The roles, lowest first. The zero value is no role.
const (
	Viewer Role = iota + 1
	Operator
	Administrator
)

var roleWords = [...]string{"none", "viewer", "operator", "admin"}

// String gives the role's word in a tokens file.
func (r Role) String() string {
	if r < Viewer || r > Administrator {
		return roleWords[0]
	}
	return roleWords[r]
}

// Token is one key to the API.
type Token struct {
	Role Role
	// Name is written into the records.
	Name  string
	Token string
	// Expires is when it ends; zero: never.
	Expires time.Time
}

const (
	// minToken is the least length of a token in bytes. Sixteen random hexadecimal digits stand against 10^12 guesses
	// a second for half a year; nobody guesses that fast over HTTP.
	minToken = 16
	// maxTokensFile bounds what is read of a tokens file, in bytes.
	maxTokensFile = 1 << 20
	// readableByOthers are the permission bits that a tokens file must not have.
	readableByOthers = 0o007
)

// check says what is wrong with one token, without telling it.
func (t Token) check() error {
	switch {
	case t.Role < Viewer || t.Role > Administrator:
		return errors.New("no such role; want viewer, operator or admin")
	case t.Name == "":
		return errors.New("the name is empty; want who uses the token")
	case len(t.Token) < minToken:
		return fmt.Errorf("the token of %q has %d characters; want at least %d", t.Name, len(t.Token), minToken)
	}
	return nil
}

// LoadTokens reads a tokens file: a line "role name token" each, and after it, if the token
// is to end, a day or an instant (2026-12-01, or RFC 3339); # begins a comment. The file must not be readable by
// others, and must have at least one token.
func LoadTokens(path string) ([]Token, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, fmt.Errorf("reading tokens: %w", err)
	}
	tokens, err := parseTokens(path, text)
	if err != nil {
		return nil, fmt.Errorf("reading tokens: %w", err)
	}
	return tokens, nil
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&readableByOthers != 0 {
		return "", fmt.Errorf("%s has mode %04o, others may use it; want at most 0640: chmod 640 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxTokensFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxTokensFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxTokensFile)
	}
	return string(text), nil
}

// parseTokens gives the tokens, or every problem of the text by file and line.
func parseTokens(path, text string) ([]Token, error) {
	var tokens []Token
	var problems []error
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		t, err := parseToken(fields)
		if first := seen[t.Token]; err == nil && first > 0 {
			err = fmt.Errorf("the token is the same as in line %d; want one for each name", first)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, number, err))
			continue
		}
		seen[t.Token] = number
		tokens = append(tokens, t)
	}
	if len(tokens) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s: no token; want lines of role, name and token", path))
	}
	return tokens, errors.Join(problems...)
}

func parseToken(fields []string) (Token, error) {
	if len(fields) != 3 && len(fields) != 4 {
		return Token{}, fmt.Errorf("%d words; want three: role, name and token, or a fourth: when it expires", len(fields))
	}
	t := Token{Name: fields[1], Token: fields[2]}
	if len(fields) == 4 {
		var err error
		if t.Expires, err = parseExpiry(fields[3]); err != nil {
			return Token{}, errors.New("4 words, and the last is not when it expires; want a day such as 2026-12-01, or an instant such as 2026-12-01T12:00:00Z")
		}
	}
	for role := Viewer; role <= Administrator; role++ {
		if fields[0] == role.String() {
			t.Role = role
		}
	}
	return t, t.check()
}

// parseExpiry reads a day, at the end of which (UTC) the token expires, or an instant.
func parseExpiry(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return time.Parse(time.RFC3339, text)
}

// hashedToken is a token as it is kept: without the token.
type hashedToken struct {
	caller Token
	hash   [sha256.Size]byte
}

func hashed(tokens []Token) ([]hashedToken, error) {
	var all []hashedToken
	seen := map[string]bool{}
	for _, t := range tokens {
		if err := t.check(); err != nil {
			return nil, err
		}
		if seen[t.Token] {
			return nil, fmt.Errorf("the token of %q has another name too; want one for each name", t.Name)
		}
		seen[t.Token] = true
		all = append(all, hashedToken{Token{Role: t.Role, Name: t.Name, Expires: t.Expires}, sha256.Sum256([]byte(t.Token))})
	}
	return all, nil
}

// caller says who calls. Every token is compared, in constant time, whichever fits. Without tokens everybody who
// reaches the listener is an administrator.
func (a *Admin) caller(r *http.Request) (Token, bool) {
	if len(a.tokens) == 0 {
		return Token{Role: Administrator, Name: "local"}, true
	}
	scheme, presented, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(presented)))
	var who Token
	found := 0
	for _, t := range a.tokens {
		same := subtle.ConstantTimeCompare(hash[:], t.hash[:])
		found |= same
		if same == 1 {
			who = t.caller
		}
	}
	over := !who.Expires.IsZero() && !time.Now().Before(who.Expires)
	return who, found == 1 && !over && strings.EqualFold(scheme, "Bearer")
}

type callerKey struct{}

// callerOf is who called, for the records.
func callerOf(ctx context.Context) Token {
	who, _ := ctx.Value(callerKey{}).(Token)
	return who
}
