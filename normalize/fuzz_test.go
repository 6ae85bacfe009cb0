package normalize_test

import (
	"testing"

	"github.com/leadloop/leadloop/normalize"
)

func fuzzCanonical(f *testing.F, names []string, seeds ...string) {
	for _, seed := range append(seeds, "", " ", "\x00", "\xff", "İ", "ﷺ", "a\u0308\u200b", "%", "@", "+", ".") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, name := range names {
			checkCanonical(t, name, in)
		}
	})
}

func FuzzEmail(f *testing.F) {
	fuzzCanonical(f, []string{"Email", "Email.Base"}, "Jane+x@ACME.com", "<mailto:j@bücher.de>", "jane@localhost", "a@xn--bcher-kva.de", `"a b"@c.de`, "test@test.de")
}

func FuzzDomain(f *testing.F) {
	fuzzCanonical(f, []string{"Domain"}, "https://u:p@www.acme.co.uk:80/?a#b", "例え。jp", "foo.github.io", "[::1]", "1.2.3.4", "xn--a", "ß.de")
}

func FuzzPhone(f *testing.F) {
	fuzzCanonical(f, []string{"Phone"}, "+49 (0)30 901820", "0049 30 901820;ext=12", "030 901820 / 040 428280, x", "1-800-FLOWERS", "+٤٩ ٣٠ ٩٠١٨٢٠")
}

func FuzzName(f *testing.F) {
	fuzzCanonical(f, []string{"FullName", "NameKey"}, "Dr. Jane van der DOE, Jr.", "DOE, JANE", "o'brien-mcdonald", "Mr Smith", "Smith, Mr", "ǆ ǆ")
}

func FuzzCompany(f *testing.F) {
	fuzzCanonical(f, []string{"Company.Name", "Company.Key", "Company.Display"}, "The Müller & Co. KG", "株式会社日立", "(株)", "ООО «Ромашка»", "S. A.", "A/S A/S")
}

func FuzzTitle(f *testing.F) {
	for _, seed := range []string{"Assistant to the CEO", "VP, Sales", "Geschäftsführer(in)", "chief chief officer", "'s of to"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		title := normalize.Title(in)
		if again := normalize.Title(title.Display); again != title {
			t.Errorf("Title(%q) = %+v, of its Display %+v", in, title, again)
		}
	})
}

func FuzzText(f *testing.F) {
	fuzzCanonical(f, []string{"Text", "Fold", "Source", "Medium", "Country", "Region", "LinkedInURL"}, "google / cpc", "(not set)", "Deutschland", "linkedin.com/in/J%C3%B6rg", "l.facebook.com")
}

// FuzzPredicates looks for panics, and for an address that is of a kind without being an address.
func FuzzPredicates(f *testing.F) {
	f.Add("info@acme.com", "Bill")
	f.Fuzz(func(t *testing.T, a, b string) {
		if _, err := normalize.Email(a); err != nil && (normalize.IsFreeEmail(a) || normalize.IsDisposableEmail(a) || normalize.IsRoleEmail(a)) {
			t.Errorf("%q is no address but of a kind", a)
		}
		if normalize.IsNull(a) && !normalize.IsPlaceholder(a) {
			t.Errorf("%q is null but no placeholder", a)
		}
		if normalize.SameGivenName(a, b) != normalize.SameGivenName(b, a) {
			t.Errorf("SameGivenName(%q, %q) is not symmetric", a, b)
		}
		normalize.Timezone(a, b)
		normalize.Region(a, b)
	})
}
