package normalize_test

import (
	"testing"

	"github.com/leadloop/leadloop/normalize"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"clean text stays", "Jane Doe", "Jane Doe"},
		{"white space of every kind is one blank", "\u00a0Jane \t\r\n\u2003Doe ", "Jane Doe"},
		{"control characters vanish", "Ja\x00ne\x7f", "Jane"},
		{"zero-width and direction marks vanish", "\ufeffJa\u200bne\u202e", "Jane"},
		{"a decomposed accent composes", "Jo\u0308rg", "Jörg"},
		{"a removed character lets its neighbours compose", "Jo\u200b\u0308rg", "Jörg"},
		{"invalid bytes vanish", "Ja\xffne", "Jane"},
		{"joiners stay", "👩\u200d💻", "👩\u200d💻"},
		{"letter case stays", "ÄÖÜ", "ÄÖÜ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := normalize.Text(tt.in); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"ASCII", "Jane  DOE", "jane doe"},
		{"accents", "Ärzte Café ÑANDÚ", "arzte cafe nandu"},
		{"letters that Unicode does not decompose", "Łódź Ærø Øresund Đorđe Straße Þór Œuvre", "lodz aero oresund dorde strasse thor oeuvre"},
		{"dotless and dotted i", "Iıİi", "iiii"},
		{"full width and ligatures", "Ｊａｎｅ ﬁn", "jane fin"},
		{"typographic apostrophes and dashes", "O’Brien–Smith", "o'brien-smith"},
		{"Greek final sigma", "ΟΔΟΣ οδος", "οδοσ οδοσ"},
		{"Cyrillic", "ЁЛКА", "елка"},
		{"a Japanese voiced letter stays another letter", "ガ カ", "ガ カ"},
		{"Devanagari vowel signs stay", "हिन्दी", "हिन्दी"},
		{"Hangul stays composed", "카카오", "카카오"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := normalize.Fold(tt.in); got != tt.want {
				t.Errorf("Fold(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
