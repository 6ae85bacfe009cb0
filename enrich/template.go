package enrich

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var placeholder = regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+)\}`)

// template is a text with places for fields: "{company.domain}".
type template []piece

type piece struct {
	text  string
	field string // instead of text
}

func parseTemplate(s string) template {
	var t template
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		if m[0] > at {
			t = append(t, piece{text: s[at:m[0]]})
		}
		t = append(t, piece{field: s[m[2]:m[3]]})
		at = m[1]
	}
	if at < len(s) {
		t = append(t, piece{text: s[at:]})
	}
	return t
}

func (t template) fields() []string {
	var out []string
	for _, p := range t {
		if p.field != "" {
			out = append(out, p.field)
		}
	}
	return sortedSet(out)
}

// fill writes value(field) in place of each field.
func (t template) fill(value func(field string) string) string {
	var b strings.Builder
	for _, p := range t {
		if p.field != "" {
			b.WriteString(value(p.field))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// urlTemplate is an http(s) URL with places in its path and query only: what a
// lead says can never choose the host.
type urlTemplate struct {
	whole template
	query int // pieces from here on are in the query
}

func parseURLTemplate(s string) (urlTemplate, error) {
	t := urlTemplate{whole: parseTemplate(s), query: -1}
	for i, p := range t.whole {
		if strings.ContainsAny(p.text, "{}") {
			return t, errors.New("a brace that is not around a field, such as {company.domain}")
		}
		if strings.Contains(p.text, "#") {
			return t, errors.New("a URL that is fetched has no #fragment")
		}
		if t.query < 0 && strings.Contains(p.text, "?") {
			t.query = i + 1
		}
	}
	if t.query < 0 {
		t.query = len(t.whole)
	}
	first := ""
	if len(t.whole) > 0 {
		first = t.whole[0].text
	}
	_, afterScheme, ok := strings.Cut(first, "://")
	if !ok || len(t.whole) > 1 && !strings.ContainsAny(afterScheme, "/?") {
		return t, errors.New("scheme and host must be written out, as in https://api.example.com/v1/{company.domain}")
	}
	u, err := url.Parse(t.whole.fill(func(string) string { return "x" }))
	switch {
	case err != nil:
		return t, errors.New("not a valid URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return t, fmt.Errorf("expected https, found %q", u.Scheme)
	case u.Host == "" || u.Hostname() == "":
		return t, errors.New("there is no host")
	case u.User != nil:
		return t, errors.New("credentials do not belong in a URL; name them in a header as ${NAME}")
	}
	return t, nil
}

// fill returns the URL, false if a value can't stand in it.
func (t urlTemplate) fill(value func(field string) string) (string, bool) {
	var b strings.Builder
	for i, p := range t.whole {
		switch {
		case p.field == "":
			b.WriteString(p.text)
		case i >= t.query:
			b.WriteString(url.QueryEscape(value(p.field)))
		default:
			v := value(p.field)
			if v == "" || strings.Trim(v, ".") == "" {
				return "", false // a segment of dots would walk up the path
			}
			b.WriteString(url.PathEscape(v))
		}
	}
	return b.String(), true
}
