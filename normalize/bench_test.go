package normalize_test

import (
	"testing"

	"github.com/leadloop/leadloop/normalize"
)

func benchmark(b *testing.B, inputs []string, f func(string)) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		f(inputs[i%len(inputs)])
		i++
	}
}

func BenchmarkEmail(b *testing.B) {
	benchmark(b, []string{"jane.doe@acme.com", "Joe@Example.co.uk", "info+x@gmail.com"}, func(s string) {
		if _, err := normalize.Email(s); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkIsFreeEmail(b *testing.B) {
	benchmark(b, []string{"jane.doe@acme.com", "joe@gmail.com"}, func(s string) { normalize.IsFreeEmail(s) })
}

func BenchmarkDomain(b *testing.B) {
	benchmark(b, []string{"https://www.acme.com/a", "shop.acme.co.uk"}, func(s string) {
		if _, err := normalize.Domain(s); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkPhone(b *testing.B) {
	benchmark(b, []string{"+49 30 901820", "(415) 555-2671"}, func(s string) {
		if _, err := normalize.Phone(s, "US"); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkCompany(b *testing.B) {
	benchmark(b, []string{"Acme", "Acme Widgets, Inc.", "Müller Bau GmbH & Co. KG"}, func(s string) { normalize.Company(s) })
}

func BenchmarkTitle(b *testing.B) {
	benchmark(b, []string{"CEO", "Senior Vice President, Sales", "Directeur commercial"}, func(s string) { normalize.Title(s) })
}

func BenchmarkNameKey(b *testing.B) {
	benchmark(b, []string{"Jane Doe", "Doe, Jane Q.", "Seán O’Brien"}, func(s string) { normalize.NameKey(s) })
}

func BenchmarkFold(b *testing.B) {
	benchmark(b, []string{"Jane Doe", "Seán O’Brien"}, func(s string) { normalize.Fold(s) })
}
