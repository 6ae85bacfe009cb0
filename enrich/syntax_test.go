package enrich

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPaths(t *testing.T) {
	doc, err := decodeJSON([]byte(`{"data": {"size": 120, "odd key": {"a.b": true}, "people": [{"name": "x"}, null]}, "": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path  string
		want  any
		found bool
	}{
		{"data.size", json.Number("120"), true},
		{`data."odd key"."a.b"`, true, true},
		{"data.people[0].name", "x", true},
		{"data.people[1]", nil, true},
		{"data.people[2]", nil, false},
		{"data.people.name", nil, false},
		{"data[0]", nil, false},
		{"data.size.x", nil, false},
		{`""`, json.Number("1"), true},
		{"nothing", nil, false},
	} {
		t.Run(tc.path, func(t *testing.T) {
			p, err := parsePath(tc.path)
			if err != nil {
				t.Fatal(err)
			}
			got, found := p.find(doc)
			if found != tc.found || !cmp.Equal(got, tc.want) {
				t.Errorf("got %v, %v; want %v, %v", got, found, tc.want, tc.found)
			}
		})
	}
	for _, bad := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[]", "a[-1]", "a[01]", "a[x]", "[0]a", `"a`, `"a"b`, "$.a", "a[*]", "a b", strings.Repeat("a.", 40) + "a"} {
		t.Run("no path: "+bad, func(t *testing.T) {
			if p, err := parsePath(bad); err == nil {
				t.Errorf("accepted as %v", p)
			}
		})
	}
}

// text writes p so that it can be read again.
func (p jsonPath) text() string {
	var b strings.Builder
	for i, s := range p {
		if s.list {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		quoted, err := json.Marshal(s.key)
		if err != nil {
			panic(err)
		}
		b.Write(quoted)
	}
	return b.String()
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"data.size", `a."b.c"[3].d`, "[0][1]", `"é\n"`, "a[", "..", "\xf5"} {
		f.Add(s, `{"data":{"size":[1,2,{"a":null}]}}`)
	}
	f.Fuzz(func(t *testing.T, s, doc string) {
		p, err := parsePath(s)
		if err != nil {
			return
		}
		again, err := parsePath(p.text())
		if err != nil || !cmp.Equal(p, again, cmp.AllowUnexported(step{})) {
			t.Errorf("%q reads as %v, which reads as %v (%v)", s, p, again, err)
		}
		if d, err := decodeJSON([]byte(doc)); err == nil {
			p.find(d)
		}
	})
}

func TestDecodeJSONRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a key that stands in an object twice", `{"a": 1, "b": {"c": 1, "c": 2}}`, "a key of the JSON stands in its object twice"},
		{"a document that is cut off", `{"a": [1, 2`, "not JSON, or cut off"},
		{"something after the document", `{} {}`, "not JSON, or cut off"},
		{"a stray brace after the document", `{} }`, "not JSON, or cut off"},
		{"a comma too many", `[1,]`, "not JSON, or cut off"},
		{"nothing", ``, "not JSON, or cut off"},
		{"a hundred levels", strings.Repeat("[", 100) + strings.Repeat("]", 100), "the JSON is nested too deeply"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if v, err := decodeJSON([]byte(tc.text)); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, %v; want %q", v, err, tc.want)
			}
		})
	}
}

func TestURLTemplates(t *testing.T) {
	values := map[string]string{"company.domain": "acme.example", "lead.email": "jane+x@acme.example", "lead.city": "A/B?c=d&e#f", "lead.region": ".."}
	for _, tc := range []struct{ template, want string }{
		{"https://api.example.com/v1/{company.domain}", "https://api.example.com/v1/acme.example"},
		{"https://api.example.com/v1?email={lead.email}&x=1", "https://api.example.com/v1?email=jane%2Bx%40acme.example&x=1"},
		{"https://api.example.com/{lead.city}/x?c={lead.city}", "https://api.example.com/A%2FB%3Fc=d&e%23f/x?c=A%2FB%3Fc%3Dd%26e%23f"},
		{"https://api.example.com?d={company.domain}", "https://api.example.com?d=acme.example"},
		{"https://api.example.com/{lead.region}/secret", ""},
	} {
		t.Run(tc.template, func(t *testing.T) {
			u, err := parseURLTemplate(tc.template)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := u.fill(func(f string) string { return values[f] })
			if ok != (tc.want != "") || got != strings.Replace(tc.want, "A%2FB%3Fc=d&e%23f", url.PathEscape(values["lead.city"]), 1) {
				t.Errorf("got %q, %v; want %q", got, ok, tc.want)
			}
		})
	}
	for _, bad := range []string{
		"", "api.example.com/{company.domain}", "https://{company.domain}/x", "https://api.{company.domain}", "https://api.example.com:{lead.city}/",
		"ftp://api.example.com/{company.domain}", "https:///{company.domain}", "https://user:pass@api.example.com/{company.domain}",
		"https://api.example.com/{company}", "https://api.example.com/{company.domain", "https://api.example.com/#{company.domain}", "{lead.city}://x/",
	} {
		t.Run("no URL template: "+bad, func(t *testing.T) {
			if _, err := parseURLTemplate(bad); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func FuzzURLTemplate(f *testing.F) {
	f.Add("https://api.example.com/v1/{company.domain}?q={lead.city}", "a/../b", "x&y=z#")
	f.Add("http://h/{a.b}{c.d}", "..", "@evil.example")
	f.Add("https://h?x={a.b}", "\x00", "é")
	f.Fuzz(func(t *testing.T, template, v, w string) {
		u, err := parseURLTemplate(template)
		if err != nil {
			return
		}
		fixed, err := url.Parse(u.whole.fill(func(string) string { return "x" }))
		if err != nil {
			t.Fatalf("accepted a template that is no URL: %q", template)
		}
		n := 0
		got, ok := u.fill(func(string) string {
			if n++; n%2 == 1 {
				return v
			}
			return w
		})
		if !ok {
			return
		}
		filled, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q with %q, %q is no URL: %v", template, v, w, err)
		}
		if filled.Host != fixed.Host || filled.Scheme != fixed.Scheme || filled.User != nil || filled.Fragment != "" {
			t.Errorf("%q with %q, %q goes to %q", template, v, w, got)
		}
		if strings.Count(filled.EscapedPath(), "/") != strings.Count(fixed.EscapedPath(), "/") {
			t.Errorf("%q with %q, %q has another path: %q", template, v, w, got)
		}
	})
}
