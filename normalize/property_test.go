package normalize_test

import (
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/leadloop/leadloop/normalize"
)

// canonicalForms are the functions from text to canonical text; each must map its own results to themselves. ok tells a result from a refusal.
var canonicalForms = map[string]func(string) (canonical string, ok bool){
	"Text":   func(s string) (string, bool) { return normalize.Text(s), true },
	"Fold":   func(s string) (string, bool) { return normalize.Fold(s), true },
	"Source": func(s string) (string, bool) { return normalize.Source(s), true },
	"Medium": func(s string) (string, bool) { return normalize.Medium(s), true },
	"NameKey": func(s string) (string, bool) {
		return normalize.NameKey(s), true
	},
	"FullName":        func(s string) (string, bool) { return normalize.FullName(s).String(), true },
	"Company.Name":    func(s string) (string, bool) { return normalize.Company(s).Name, true },
	"Company.Key":     func(s string) (string, bool) { return normalize.Company(s).Key, true },
	"Company.Display": func(s string) (string, bool) { return normalize.Company(s).Display, true },
	"Title":           func(s string) (string, bool) { return normalize.Title(s).Display, true },
	"Email": func(s string) (string, bool) {
		e, err := normalize.Email(s)
		return e.Address, err == nil
	},
	"Email.Base": func(s string) (string, bool) {
		e, err := normalize.Email(s)
		return e.Base, err == nil
	},
	"Domain": func(s string) (string, bool) {
		d, err := normalize.Domain(s)
		return d, err == nil
	},
	"LinkedInURL": func(s string) (string, bool) {
		u, err := normalize.LinkedInURL(s)
		return u, err == nil
	},
	"Phone": func(s string) (string, bool) {
		p, err := normalize.Phone(s, "DE")
		return p.String(), err == nil
	},
	"Country": normalize.Country,
	"Region":  func(s string) (string, bool) { return normalize.Region("US", s) },
}

// outputBound is how many times longer a canonical form may get than its input, beside a constant: some ligatures fold to 18 letters of up to two
// bytes, and percent-encoding triples.
const outputBound = 18

func checkCanonical(t interface {
	Helper()
	Errorf(string, ...any)
}, name, in string) {
	t.Helper()
	f := canonicalForms[name]
	once, ok := f(in)
	if !ok {
		if once != "" {
			t.Errorf("%s(%q) refused the value but returned %q", name, in, once)
		}
		return
	}
	if len(once) > outputBound*len(in)+64 {
		t.Errorf("%s(%q) is %d bytes long", name, in, len(once))
	}
	if !utf8.ValidString(once) {
		t.Errorf("%s(%q) = %q is not UTF-8", name, in, once)
	}
	if twice, ok := f(once); !ok || twice != once {
		t.Errorf("%s(%q) = %q, but %s of that = %q, %v", name, in, once, name, twice, ok)
	}
}

// messy generates the sort of text that reaches a form: words of the trade, punctuation, and anything at all.
func messy() *rapid.Generator[string] {
	word := rapid.SampledFrom([]string{
		"Jane", "DOE", "van", "der", "de", "la", "Dr.", "Mr", "Jr", "PhD", "O'Brien", "Smith", "The", "and", "&", "Co", "Co.", "KG", "GmbH", "Inc", "Ltd", "S.A.", "AG",
		"株式会社", "(株)", "ООО", "PT", "Tbk", "acme", "acme.com", "github.io", "co.uk", "www.", "https://", "@", "+x", "test", "info", "null", "+49", "0049", "030", "901820",
		"ext. 12", ";ext=5", "(0)", "/in/", "linkedin.com", "%C3%B6", "ß", "İ", "ǅ", "ﬁ", "\u0308", "\u200b", "\u200d", "Å", "가", "Manager", "Assistant", "to", "CEO",
		"google / cpc", "(direct)", "US-", "California", "xn--", "München", "'s", "«", "»", "\"", "ﷺ", "Ⅷ", "½", "ſ", "ά",
	})
	sep := rapid.SampledFrom([]string{" ", "", ", ", "-", ".", "/", " / ", ";", "\t", "\n", "(", ")", "@", "'", "’"})
	part := rapid.OneOf(word, sep, word, sep, rapid.StringN(0, 4, -1))
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(part, 0, 9).Draw(t, "parts"), "") })
}

func TestCanonicalFormsAreIdempotent(t *testing.T) {
	for name := range canonicalForms {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { checkCanonical(t, name, messy().Draw(t, "in")) })
		})
	}
}

func TestResultsOfOneInputAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := messy().Draw(t, "in")
		c := normalize.Company(in)
		if again := normalize.Company(c.Display); again != c {
			t.Errorf("Company(%q) = %+v, of its Display %+v", in, c, again)
		}
		if key := normalize.Company(c.Name).Key; key != c.Key {
			t.Errorf("Company(%q).Key = %q, of its Name %q", in, c.Key, key)
		}
		if c.Name == "" && c.Display != "" {
			t.Errorf("Company(%q) lost the whole name", in)
		}
		if title := normalize.Title(in); normalize.Title(title.Display) != title {
			t.Errorf("Title(%q) differs from the Title of its Display", in)
		}
		if e, err := normalize.Email(in); err == nil {
			if again, err := normalize.Email(e.Address); err != nil || again != e {
				t.Errorf("Email(%q) = %+v, of its Address %+v, %v", in, e, again, err)
			}
			if e.Local+"@"+e.Domain != e.Address {
				t.Errorf("Email(%q) = %+v: parts and whole differ", in, e)
			}
			if e.IsFree() && (e.IsDisposable() || e.IsCorporate()) {
				t.Errorf("Email(%q) is of two kinds", in)
			}
		}
		if p, err := normalize.Phone(in, "US"); err == nil {
			if again, err := normalize.Phone(p.String(), "FR"); err != nil || again != p {
				t.Errorf("Phone(%q) = %+v, of its String %+v, %v", in, p, again, err)
			}
		}
		first, last := messy().Draw(t, "first"), messy().Draw(t, "last")
		n := normalize.PersonName(first, last)
		if again := normalize.PersonName(n.First, n.Last); again.First != n.First || again.Last != n.Last {
			t.Errorf("PersonName(%q, %q) = %+v, again %+v", first, last, n, again)
		}
	})
}

func TestEverythingIsConcurrentSafe(t *testing.T) {
	inputs := []string{"Jane@BÜCHER.de", "+49 30 901820", "Müller GmbH & Co. KG", "VP Sales", "Doe, Jane", "google / cpc", "Deutschland"}
	want := map[string]string{}
	for name, f := range canonicalForms {
		for _, in := range inputs {
			want[name+in], _ = f(in)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for name, f := range canonicalForms {
				for _, in := range inputs {
					if got, _ := f(in); got != want[name+in] {
						t.Errorf("%s(%q) = %q, alone %q", name, in, got, want[name+in])
					}
				}
			}
		})
	}
	wg.Wait()
}

// Work that grew with the square of the input would run into the timeout of the whole test here.
func TestLongInputsTakeLinearTime(t *testing.T) {
	for _, unit := range []string{"Ltd ", "(株)", "(株)a", "ɐ jr ", "<", "ü", "ü.", "'s ", "9", "a@", "Dr. ", "Jr ", "\u0308", "((", "%41", "chief ", "1;", ".", ", "} {
		in := strings.Repeat(unit, 50_000/len(unit))
		for name := range canonicalForms {
			checkCanonical(t, name, in)
		}
	}
}
