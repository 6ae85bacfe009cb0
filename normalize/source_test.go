package normalize_test

import (
	"testing"

	"github.com/leadloop/leadloop/normalize"
)

func TestSource(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  ": "", "(direct)": normalize.Direct, "Direct": normalize.Direct, "Direct Traffic": normalize.Direct, "(not set)": normalize.Unknown,
		"unknown": normalize.Unknown, "n/a": normalize.Unknown, "none": normalize.Unknown, "-": normalize.Unknown,
		"AdWords": "google-ads", "Google Ads": "google-ads", "google_ads": "google-ads", "google / cpc": "google", "google": "google",
		"https://www.google.de/": "google", "l.facebook.com": "facebook", "lnkd.in": "linkedin", "LinkedIn": "linkedin", "t.co": "twitter",
		"Trade Show": "event", "Partner Referral Program": "partner-referral-program", "acme.com": "acme.com", "www.acme.com/blog": "acme.com",
		"Webformular Köln": "webformular-koln",
	} {
		if got := normalize.Source(in); got != want {
			t.Errorf("Source(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMedium(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "(none)": normalize.Direct, "(not set)": normalize.Unknown, "CPC": "cpc", "ppc": "cpc", "Paid Search": "cpc", "google / ppc": "cpc",
		"E-Mail": "email", "email": "email", "newsletter": "email", "Social Media": "social", "paid_social": "paid-social", "organic": "organic", "Carrier Pigeon": "carrier-pigeon",
	} {
		if got := normalize.Medium(in); got != want {
			t.Errorf("Medium(%q) = %q, want %q", in, got, want)
		}
	}
}
