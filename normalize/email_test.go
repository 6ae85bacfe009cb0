package normalize_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/normalize"
)

func TestEmail(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     normalize.EmailAddress
	}{
		{"a clean address stays as it is", "jane@acme.com", normalize.EmailAddress{Address: "jane@acme.com", Local: "jane", Domain: "acme.com", Base: "jane@acme.com"}},
		{"case and white space do not matter", " Jane.Doe@ACME.com\n", normalize.EmailAddress{Address: "jane.doe@acme.com", Local: "jane.doe", Domain: "acme.com", Base: "jane.doe@acme.com"}},
		{"a sub-address stays in the address and leaves the base", "jane+news@acme.com", normalize.EmailAddress{Address: "jane+news@acme.com", Local: "jane+news", Domain: "acme.com", Base: "jane@acme.com"}},
		{"a leading plus is no sub-address", "+jane@acme.com", normalize.EmailAddress{Address: "+jane@acme.com", Local: "+jane", Domain: "acme.com", Base: "+jane@acme.com"}},
		{"an international domain becomes ASCII", "jane@BÜCHER.de", normalize.EmailAddress{Address: "jane@xn--bcher-kva.de", Local: "jane", Domain: "xn--bcher-kva.de", Base: "jane@xn--bcher-kva.de"}},
		{"sharp s is not transliterated", "jane@straße.de", normalize.EmailAddress{Address: "jane@xn--strae-oqa.de", Local: "jane", Domain: "xn--strae-oqa.de", Base: "jane@xn--strae-oqa.de"}},
		{"a link and its brackets are taken off", "<mailto:Jane@acme.com>", normalize.EmailAddress{Address: "jane@acme.com", Local: "jane", Domain: "acme.com", Base: "jane@acme.com"}},
		{"a separator behind the address is taken off", `"jane@acme.com";`, normalize.EmailAddress{Address: "jane@acme.com", Local: "jane", Domain: "acme.com", Base: "jane@acme.com"}},
		{"an invisible character from a paste vanishes", "jane@\u200bacme.com", normalize.EmailAddress{Address: "jane@acme.com", Local: "jane", Domain: "acme.com", Base: "jane@acme.com"}},
		{"a trailing dot of the domain goes", "jane@acme.com.", normalize.EmailAddress{Address: "jane@acme.com", Local: "jane", Domain: "acme.com", Base: "jane@acme.com"}},
		{"an international local part is lower-cased", "JÖRG@acme.de", normalize.EmailAddress{Address: "jörg@acme.de", Local: "jörg", Domain: "acme.de", Base: "jörg@acme.de"}},
		{"a sub-domain stays", "jane@us.ibm.com", normalize.EmailAddress{Address: "jane@us.ibm.com", Local: "jane", Domain: "us.ibm.com", Base: "jane@us.ibm.com"}},
		{"names reserved for samples are accepted", "jane@acme.example", normalize.EmailAddress{Address: "jane@acme.example", Local: "jane", Domain: "acme.example", Base: "jane@acme.example"}},
		{"a person of a sample domain is accepted", "jane@example.com", normalize.EmailAddress{Address: "jane@example.com", Local: "jane", Domain: "example.com", Base: "jane@example.com"}},
		{"a role address is an address", "info@acme.com", normalize.EmailAddress{Address: "info@acme.com", Local: "info", Domain: "acme.com", Base: "info@acme.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.Email(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Email (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmailRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     normalize.Reason
	}{
		{"nothing", " \t", normalize.ReasonEmpty},
		{"no at sign", "jane.acme.com", normalize.ReasonSyntax},
		{"no local part", "@acme.com", normalize.ReasonSyntax},
		{"no domain", "jane@", normalize.ReasonSyntax},
		{"two at signs", "jane@doe@acme.com", normalize.ReasonSyntax},
		{"blanks inside", "jane doe@acme.com", normalize.ReasonSyntax},
		{"dots at the wrong place", "jane..doe@acme.com", normalize.ReasonSyntax},
		{"a display name", "Jane Doe <jane@acme.com>", normalize.ReasonDisplayName},
		{"a quoted local part", `"jane doe"@acme.com`, normalize.ReasonDisplayName},
		{"several addresses", "jane@acme.com; joe@acme.com", normalize.ReasonSeveral},
		{"a host of the own machine", "jane@localhost", normalize.ReasonLocalHost},
		{"a private top-level domain", "jane@server.local", normalize.ReasonLocalHost},
		{"an IP address", "jane@192.168.0.1", normalize.ReasonIPAddress},
		{"a mistyped top-level domain", "jane@acme.con", normalize.ReasonUnknownTLD},
		{"an underscore in the domain", "jane@ac_me.com", normalize.ReasonDomain},
		{"an empty label", "jane@acme..com", normalize.ReasonDomain},
		{"a long local part", strings.Repeat("a", 65) + "@acme.com", normalize.ReasonTooLong},
		{"the word null", "NULL", normalize.ReasonPlaceholder},
		{"not applicable", "n/a", normalize.ReasonPlaceholder},
		{"test at test", "test@test.com", normalize.ReasonPlaceholder},
		{"test at test in any domain, sub-addressed", "Test1+x@test.de", normalize.ReasonPlaceholder},
		{"none at none", "none@none.com", normalize.ReasonPlaceholder},
		{"no e-mail at a real domain", "noemail@acme.com", normalize.ReasonPlaceholder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.Email(tt.in)
			var refused *normalize.Error
			if !errors.As(err, &refused) {
				t.Fatalf("Email = %v, %v; want an *Error", got, err)
			}
			if diff := cmp.Diff(&normalize.Error{Kind: "email", Reason: tt.want}, refused); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got != (normalize.EmailAddress{}) {
				t.Errorf("a refused address returned %v", got)
			}
		})
	}
}

func TestEmailKinds(t *testing.T) {
	type kinds struct{ Free, Disposable, Role, Corporate bool }
	for _, tt := range []struct {
		name, in string
		want     kinds
	}{
		{"a person at a company", "jane@acme.com", kinds{Corporate: true}},
		{"a free mail address", "jane@gmail.com", kinds{Free: true}},
		{"a country's free mail address", "jane@yahoo.co.uk", kinds{Free: true}},
		{"a sub-domain of a free mail provider", "jane@mail.gmx.de", kinds{Free: true}},
		{"a disposable address", "jane@mailinator.com", kinds{Disposable: true}},
		{"a sub-domain of a disposable domain", "jane@a.b.mailinator.com", kinds{Disposable: true}},
		{"a role at a company", "info@acme.com", kinds{Role: true, Corporate: true}},
		{"a role with a region", "sales-emea@acme.com", kinds{Role: true, Corporate: true}},
		{"a role with a number", "support2@acme.com", kinds{Role: true, Corporate: true}},
		{"a role in German", "vertrieb@acme.de", kinds{Role: true, Corporate: true}},
		{"a person's name with a role word in it is a person", "mark.sales@acme.com", kinds{Corporate: true}},
		{"a role at a free mail provider", "info@gmail.com", kinds{Free: true, Role: true}},
		{"no address", "gmail.com", kinds{}},
		{"no address either", "info", kinds{}},
		{"localhost", "info@localhost", kinds{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := normalize.Email(tt.in) // the zero value is of no kind
			got := kinds{e.IsFree(), e.IsDisposable(), e.IsRole(), e.IsCorporate()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("methods (-want +got):\n%s", diff)
			}
			tt.want.Corporate = false
			got = kinds{normalize.IsFreeEmail(tt.in), normalize.IsDisposableEmail(tt.in), normalize.IsRoleEmail(tt.in), false}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("predicates (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsHoldNoPersonalData(t *testing.T) {
	const canary = "zzcanary"
	for name, f := range map[string]func(string) error{
		"email":    func(s string) error { _, err := normalize.Email(s); return err },
		"domain":   func(s string) error { _, err := normalize.Domain(s); return err },
		"phone":    func(s string) error { _, err := normalize.Phone(s, "DE"); return err },
		"linkedin": func(s string) error { _, err := normalize.LinkedInURL(s); return err },
	} {
		for _, in := range []string{canary, canary + "@" + canary, "+49 " + canary, "xn--" + canary + ".com.", canary + ".%zz"} {
			err := f(in)
			if err == nil {
				continue
			}
			if strings.Contains(strings.ToLower(err.Error()), canary) {
				t.Errorf("%s: the error text holds the value", name)
			}
		}
	}
}

func TestIsPlaceholder(t *testing.T) {
	for _, s := range []string{
		"", " ", "-", "?", "null", "NULL", "None", "n/a", "N.A.", "#N/A", "unknown", "(not set)", "anonymous", "test", "Test", "asdf", "xxx", "0", "-1", "1",
		"000", "0000000", "1111111111", "123456", "1234567890", "+1 555 555 5555", "+49 0000 0000000", "info@", "info@acme.com", "sales.de@acme.com",
		"test@acme.com", "test@test.com", "noreply@acme.com", "none@none.com", "not provided", "no e-mail",
	} {
		if !normalize.IsPlaceholder(s) {
			t.Errorf("IsPlaceholder(%q) = false, want true", s)
		}
	}
	for _, s := range []string{
		"jane@acme.com", "na@acme.com", "+49 30 1234987", "acme.com", "C-1042", "42", "+1 415 555 0132", "Acme", "jane.test@acme.com", "DE811907980",
		"jane@test.io", "bob",
	} {
		if normalize.IsPlaceholder(s) {
			t.Errorf("IsPlaceholder(%q) = true, want false", s)
		}
	}
}

func TestIsNull(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "--": true, "null": true, "N/A": true, "unknown": true, "(not set)": true, "Keine Angabe": true,
		"test": false, "info@acme.com": false, "0": false, "Acme": false,
	} {
		if got := normalize.IsNull(s); got != want {
			t.Errorf("IsNull(%q) = %v, want %v", s, got, want)
		}
	}
}
