package normalize_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/normalize"
)

func TestPhone(t *testing.T) {
	berlin := normalize.PhoneNumber{E164: "+4930901820", Region: "DE"}
	for _, tt := range []struct {
		name, in, hint string
		want           normalize.PhoneNumber
	}{
		{"an international number needs no hint", "+49 30 901820", "", berlin},
		{"an international number wins over the hint", "+49 30 901820", "US", berlin},
		{"two zeros stand for the plus", "0049 30 901820", "", berlin},
		{"two zeros stand for the plus in a region that dials otherwise", "0049 30 901820", "US", berlin},
		{"a national number by ISO code", "030/901820", "DE", berlin},
		{"a national number by country name", "(030) 901820", "Germany", berlin},
		{"a national number by calling code", "030 901820", "+49", berlin},
		{"a national number by bare calling code", "030 901820", "49", berlin},
		{"the trunk zero in brackets", "+49 (0)30 901820", "", berlin},
		{"words around the number", "Tel.: 030 901820 (office)", "DE", berlin},
		{"the first of several numbers", "030 901820 / 040 428280", "DE", berlin},
		{"the first valid of several numbers", "123; 030 901820", "DE", berlin},
		{"one number per line", "030 901820\n040 428280", "DE", berlin},
		{"several with a comma", "030 901820, 040 428280", "DE", berlin},
		{"digits of another script", "+٤٩ ٣٠ ٩٠١٨٢٠", "", berlin},
		{"full-width digits", "＋４９ ３０ ９０１８２０", "", berlin},
		{"an extension", "+1 415 555 2671 ext. 12", "", normalize.PhoneNumber{E164: "+14155552671", Region: "US", Extension: "12"}},
		{"an extension by x", "(415) 555-2671 x12", "US", normalize.PhoneNumber{E164: "+14155552671", Region: "US", Extension: "12"}},
		{"vanity letters", "1-800-FLOWERS", "US", normalize.PhoneNumber{E164: "+18003569377", Region: "US"}},
		{"a number of the shared calling code is told by its area", "+1 416 555 2671", "US", normalize.PhoneNumber{E164: "+14165552671", Region: "CA"}},
		{"UK stands for GB", "020 7946 0958", "UK", normalize.PhoneNumber{E164: "+442079460958", Region: "GB"}},
		{"an Italian leading zero stays", "+39 02 5656 7890", "", normalize.PhoneNumber{E164: "+390256567890", Region: "IT"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.Phone(tt.in, tt.hint)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Phone (-want +got):\n%s", diff)
			}
			again, err := normalize.Phone(got.String(), "")
			if err != nil || again != got {
				t.Errorf("Phone of its own String = %v, %v; want %v", again, err, got)
			}
		})
	}
}

func TestPhoneRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in, hint string
		want           normalize.Reason
	}{
		{"nothing", "", "DE", normalize.ReasonEmpty},
		{"a national number without a hint", "030 901820", "", normalize.ReasonRegion},
		{"a national number with an unknown hint", "030 901820", "Atlantis", normalize.ReasonRegion},
		{"a number too short", "+49 30 1", "", normalize.ReasonNumber},
		{"an area that does not exist", "+1 055 555 2671", "", normalize.ReasonNumber},
		{"words", "call me maybe", "US", normalize.ReasonSyntax},
		{"zeros", "0000000", "US", normalize.ReasonPlaceholder},
		{"not available", "n/a", "US", normalize.ReasonPlaceholder},
		{"a filler", "555-555-5555", "US", normalize.ReasonPlaceholder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize.Phone(tt.in, tt.hint)
			var refused *normalize.Error
			if !errors.As(err, &refused) || refused.Kind != "phone" || refused.Reason != tt.want {
				t.Errorf("Phone(%q) = %v, %v; want reason %q", tt.in, got, err, tt.want)
			}
		})
	}
}
