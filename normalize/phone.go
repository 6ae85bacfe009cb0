package normalize

import (
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// PhoneNumber is a valid phone number. The zero value is no number.
type PhoneNumber struct {
	E164      string // "+4930123456"; what to store and compare
	Region    string // ISO 3166-1 alpha-2 code of the country whose number it is; "001" for numbers of no country
	Extension string // digits behind the number, "" if none; not part of E164
}

// String returns E164, and ";ext=" with the extension if there is one. [Phone] reads it back to the same number under any hint.
func (p PhoneNumber) String() string {
	if p.Extension == "" {
		return p.E164
	}
	return p.E164 + ";ext=" + p.Extension
}

// Phone returns the phone number in raw.
//
// A number without "+" or "00" needs regionHint: a country as [Country] takes it ("DE", "DEU", "Germany") or a calling code ("49", "+49"); an
// unknown hint counts as none. Spaces, punctuation, words around the number ("Tel.:", "(mobile)"), vanity letters (1-800-FLOWERS) and
// extensions ("ext. 12", "x12") are understood. Of several numbers in raw the first valid one counts.
//
// The number must be valid for its country by length and prefix; nothing is dialled. That takes about a microsecond, or tens of them if there is
// more in raw than one number. Digits of a placeholder ("0000000", see [IsPlaceholder]) are refused. The error is an [*Error] of kind "phone".
func Phone(raw, regionHint string) (PhoneNumber, error) {
	lines := strings.FieldsFunc(raw, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' })
	raw = Text(raw)
	switch {
	case raw == "":
		return PhoneNumber{}, refuse("phone", ReasonEmpty)
	case len(raw) > 250:
		return PhoneNumber{}, refuse("phone", ReasonTooLong)
	case IsPlaceholder(raw):
		return PhoneNumber{}, refuse("phone", ReasonPlaceholder)
	}
	region := hintRegion(regionHint)
	reason := ReasonSyntax
	for _, candidate := range phoneCandidates(lines) {
		p, why := parsePhone(candidate, region)
		if why == "" {
			return p, nil
		}
		if reason == ReasonSyntax || why == ReasonNumber {
			reason = why
		}
	}
	return PhoneNumber{}, refuse("phone", reason)
}

// hintRegion returns the region that a hint names, "" if none.
func hintRegion(hint string) string {
	hint = Text(hint)
	code := strings.TrimPrefix(strings.TrimPrefix(hint, "+"), "00")
	if isDigits(code) && (len(code) < 3 || code != hint) || isDigits(code) && len(code) == 3 && !countries.has(code) {
		return callingRegion(code)
	}
	if iso2, ok := Country(hint); ok {
		return iso2
	}
	return ""
}

func callingRegion(code string) string {
	if len(code) == 0 || len(code) > 3 {
		return ""
	}
	n := 0
	for i := 0; i < len(code); i++ {
		n = n*10 + int(code[i]-'0')
	}
	if region := phonenumbers.GetRegionCodeForCountryCode(n); region != "ZZ" && region != "001" {
		return region
	}
	return ""
}

// phoneSeparators part numbers without doubt; a comma or a lone slash may also stand inside one number.
var phoneSeparators = strings.NewReplacer(" / ", "\n", " or ", "\n", " oder ", "\n", " ou ", "\n", " and ", "\n", " und ", "\n", " & ", "\n", "|", "\n", ";ext=", ";ext=", ";", "\n")

// maxPhoneCandidates bounds the work for one cell.
const maxPhoneCandidates = 8

// phoneCandidates returns the parts of a cell that may be a number, in the order to try them.
func phoneCandidates(lines []string) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); len(digitsOf(asciiDigits(s))) > 0 || hasLetters(s) {
			out = append(out, s)
		}
	}
	for _, line := range lines {
		if line = Text(line); isPhoneShaped(line) { // one number, as nearly always
			add(line)
			continue
		}
		for part := range strings.SplitSeq(phoneSeparators.Replace(line), "\n") {
			add(part)
			parts := strings.FieldsFunc(part, func(r rune) bool { return r == ',' || r == '/' })
			if len(parts) < 2 {
				continue
			}
			long := slices.DeleteFunc(parts, func(s string) bool { return len(digitsOf(asciiDigits(s))) < 7 })
			if len(long) > 1 { // surely several numbers, not one with a pause or an extension
				out = out[:len(out)-1]
			}
			for _, p := range long {
				add(p)
			}
		}
	}
	if len(out) > maxPhoneCandidates {
		out = out[:maxPhoneCandidates]
	}
	return out
}

func hasLetters(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// asciiDigits writes the decimal digits of other scripts and full-width forms as ASCII.
func asciiDigits(s string) string {
	if isCleanASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '＋' {
			return '+'
		}
		if r > 0x7F && unicode.IsDigit(r) {
			zero := r
			for zero > 0x7F && unicode.IsDigit(zero-1) && r-zero < 9 {
				zero--
			}
			return '0' + (r-zero)%10
		}
		return r
	}, s)
}

func parsePhone(s, region string) (PhoneNumber, Reason) {
	s = asciiDigits(s)
	if first := strings.IndexAny(s, "+0123456789"); first > 0 && hasLetters(s[:first]) {
		s = s[first:] // "Tel.: 030 ..."
	}
	if rest, ok := strings.CutPrefix(strings.TrimLeft(s, "( "), "00"); ok && strings.Trim(rest, "0 ()-./") != "" {
		s = "+" + strings.TrimLeft(rest, " ()-./")
	}
	international := strings.HasPrefix(strings.TrimLeft(s, "( "), "+")
	if international {
		s = strings.Replace(s, "(0)", "", 1)
	}
	if !international && region == "" {
		if len(digitsOf(s)) < 5 {
			return PhoneNumber{}, ReasonSyntax
		}
		return PhoneNumber{}, ReasonRegion
	}
	// Words behind the number would be read as vanity letters, so it is tried without them first: 1-800-FLOWERS is no number without.
	if last := strings.LastIndexAny(s, "0123456789"); last >= 0 && hasLetters(s[last:]) {
		if p, why := validPhone(s[:last+1], region); why == "" {
			return p, ""
		}
	}
	return validPhone(s, region)
}

func validPhone(s, region string) (PhoneNumber, Reason) {
	p, why, ok := plainPhone(s, region)
	if !ok {
		p, why = anyPhone(s, region)
	}
	if why == "" && isPlaceholderNumber(p.E164[1:]) {
		return PhoneNumber{}, ReasonPlaceholder
	}
	return p, why
}

// anyPhone asks the library.
func anyPhone(s, region string) (PhoneNumber, Reason) {
	n, err := phonenumbers.Parse(s, region)
	if err != nil {
		return PhoneNumber{}, ReasonSyntax
	}
	// This is IsValidNumber, which would look for the region again.
	region = phonenumbers.GetRegionCodeForNumber(n)
	if !phonenumbers.IsValidNumberForRegion(n, region) {
		return PhoneNumber{}, ReasonNumber
	}
	return PhoneNumber{E164: phonenumbers.Format(n, phonenumbers.E164), Region: region, Extension: n.GetExtension()}, ""
}
