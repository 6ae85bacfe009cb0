package normalize_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/leadloop/leadloop/normalize"
)

func TestCountry(t *testing.T) {
	for in, want := range map[string]string{
		"DE": "DE", "de": "DE", "DEU": "DE", "276": "DE", "Germany": "DE", "Deutschland": "DE", "Allemagne": "DE", "Alemania": "DE", "德国": "DE",
		"UK": "GB", "GBR": "GB", "England": "GB", "great britain": "GB", "United Kingdom of Great Britain and Northern Ireland": "GB",
		"U.S.A.": "US", "usa": "US", "United States": "US", "The United States of America": "US", "Vereinigte Staaten": "US",
		"Côte d’Ivoire": "CI", "cote d'ivoire": "CI", "Ivory Coast": "CI", "Holland": "NL", "the Netherlands": "NL", "Pays-Bas": "NL",
		"Österreich": "AT", "Schweiz": "CH", "日本": "JP", "España": "ES", "Россия": "RU", "South Korea": "KR", "Czechia": "CZ", "Türkiye": "TR",
		"Hong Kong": "HK", "XK": "XK", "México": "MX", "Brasil": "BR", "Brazil": "BR", "India": "IN", "Canada": "CA", "Polska": "PL",
		"Taiwan": "TW", "036": "AU", "Vietnam": "VN", "Russia": "RU", "UAE": "AE", "Georgia": "GE", "Congo-Kinshasa": "CD",
	} {
		got, ok := normalize.Country(in)
		if !ok || got != want {
			t.Errorf("Country(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "Atlantis", "ZZ", "QQ", "999", "49", "the", "n/a", "EU"} {
		if got, ok := normalize.Country(in); ok {
			t.Errorf("Country(%q) = %q, want not ok", in, got)
		}
	}
}

func TestRegion(t *testing.T) {
	for _, tt := range []struct{ country, in, want string }{
		{"US", "California", "CA"}, {"usa", "ca", "CA"}, {"US", "US-CA", "CA"}, {"US", "Calif.", "CA"}, {"US", "new york", "NY"}, {"US", "Washington DC", "DC"},
		{"US", "D.C.", "DC"}, {"Canada", "Québec", "QC"}, {"CA", "BC", "BC"}, {"CA", "CA-ON", "ON"}, {"AU", "New South Wales", "NSW"}, {"AU", "wa", "WA"},
		{"US", "WA", "WA"}, {"US", "US Virgin Islands", "VI"},
	} {
		got, ok := normalize.Region(tt.country, tt.in)
		if !ok || got != tt.want {
			t.Errorf("Region(%q, %q) = %q, %v; want %q", tt.country, tt.in, got, ok, tt.want)
		}
		if again, ok := normalize.Region(tt.country, got); !ok || again != got {
			t.Errorf("Region(%q, %q) = %q: not idempotent", tt.country, got, again)
		}
	}
	for _, tt := range [][2]string{{"US", "Ontario"}, {"US", ""}, {"DE", "Bayern"}, {"", "CA"}} {
		if got, ok := normalize.Region(tt[0], tt[1]); ok {
			t.Errorf("Region(%q, %q) = %q, want not ok", tt[0], tt[1], got)
		}
	}
}

func TestTimezone(t *testing.T) {
	for _, tt := range []struct{ country, region, want string }{
		{"DE", "", "Europe/Berlin"}, {"Germany", "Bayern", "Europe/Berlin"}, {"NL", "", "Europe/Amsterdam"}, {"UK", "", "Europe/London"},
		{"JP", "", "Asia/Tokyo"}, {"IN", "", "Asia/Kolkata"}, {"ES", "", "Europe/Madrid"}, {"CN", "", "Asia/Shanghai"},
		{"US", "CA", "America/Los_Angeles"}, {"US", "Texas", "America/Chicago"}, {"US", "AZ", "America/Phoenix"}, {"US", "ny", "America/New_York"},
		{"CA", "Ontario", "America/Toronto"}, {"CA", "BC", "America/Vancouver"}, {"AU", "NSW", "Australia/Sydney"}, {"AU", "QLD", "Australia/Brisbane"},
	} {
		got, ok := normalize.Timezone(tt.country, tt.region)
		if !ok || got != tt.want {
			t.Errorf("Timezone(%q, %q) = %q, %v; want %q", tt.country, tt.region, got, ok, tt.want)
		}
	}
	for _, tt := range [][2]string{{"US", ""}, {"US", "TN"}, {"US", "Atlantis"}, {"CA", ""}, {"RU", ""}, {"BR", ""}, {"MX", ""}, {"", ""}} {
		if got, ok := normalize.Timezone(tt[0], tt[1]); ok {
			t.Errorf("Timezone(%q, %q) = %q, want not ok", tt[0], tt[1], got)
		}
	}
}

func TestEveryTimezoneLoads(t *testing.T) {
	loaded := 0
	check := func(country, region string) {
		zone, ok := normalize.Timezone(country, region)
		if !ok {
			return
		}
		loaded++
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s %s: %v", country, region, err)
		}
	}
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, a := range letters {
		for _, b := range letters {
			code := string([]rune{a, b})
			check(code, "")
			check("US", code)
			check("CA", code)
		}
	}
	for _, state := range []string{"ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"} {
		check("AU", state)
	}
	if loaded < 280 {
		t.Errorf("only %d places have a zone, want 280 or more", loaded)
	}
}
