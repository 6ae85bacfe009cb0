package normalize

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// phonesOfTheWorld are numbers of every region and kind as people write them, right and slightly wrong, with the region to read them by.
func phonesOfTheWorld(t testing.TB, rounds int, try func(s, region string)) {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var regions []string
	for _, m := range all.GetMetadata() {
		regions = append(regions, m.GetId())
	}
	digit := func() byte { return byte('0' + rng.IntN(10)) }
	for range rounds {
		for _, m := range all.GetMetadata() {
			code := "+" + strings.TrimSpace(phonenumbers.Format(&phonenumbers.PhoneNumber{CountryCode: m.CountryCode, NationalNumber: new(uint64)}, phonenumbers.E164)[1:])
			code = strings.TrimSuffix(code, "0")
			for _, kind := range []*phonenumbers.PhoneNumberDesc{
				m.GetFixedLine(), m.GetMobile(), m.GetTollFree(), m.GetPremiumRate(), m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(), m.GetNoInternationalDialling(),
			} {
				n := []byte(kind.GetExampleNumber())
				if len(n) == 0 {
					continue
				}
				switch rng.IntN(6) {
				case 0: // as it is
				case 1:
					n[rng.IntN(len(n))] = digit()
				case 2:
					n = append(n, digit())
				case 3:
					n = n[:len(n)-1]
				default: // another subscriber
					for i := rng.IntN(len(n)); i < len(n); i++ {
						n[i] = digit()
					}
				}
				before := []string{code, code + "0", code + m.GetNationalPrefix(), "", "0", "00", m.GetNationalPrefix(), code[1:], "011", "1", "8", "+", m.GetPreferredInternationalPrefix(), code + code[1:], code[1:] + "0"}[rng.IntN(15)]
				region := m.GetId()
				if rng.IntN(4) == 0 {
					region = []string{"", "US", "DE", "XX", "001", regions[rng.IntN(len(regions))]}[rng.IntN(6)]
				}
				var b strings.Builder
				for _, c := range []byte(before + string(n)) {
					if rng.IntN(6) == 0 {
						b.WriteByte(" -.()"[rng.IntN(5)])
					}
					b.WriteByte(c)
				}
				try(b.String(), region)
			}
		}
	}
}

func samePhone(t testing.TB, s, region string) bool {
	p, why, ok := plainPhone(s, region)
	if !ok {
		return false
	}
	if want, wantWhy := anyPhone(s, region); p != want || why != wantWhy {
		t.Errorf("%q in %q: %+v, %q; the library says %+v, %q", s, region, p, why, want, wantWhy)
	}
	return true
}

func TestPlainNumbersAreReadAsTheLibraryReadsThem(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	all, fast := 0, 0
	phonesOfTheWorld(t, rounds, func(s, region string) {
		all++
		if samePhone(t, s, region) {
			fast++
		}
	})
	t.Logf("%d of %d were read the fast way", fast, all)
	if fast < all*7/10 {
		t.Errorf("only %d of %d were read the fast way", fast, all)
	}
}

func TestAllNumberingPlansAreUnderstood(t *testing.T) {
	book, not := numberPlans(), []string{}
	states := 0
	for _, c := range book.codes {
		if c == nil {
			continue
		}
		for _, x := range c.regions {
			if p := x.plan(); p == nil {
				not = append(not, x.region)
			} else {
				states += len(p.kinds.states)
			}
		}
	}
	slices.Sort(not)
	t.Log(len(book.regions), "regions,", states, "states; not understood:", not)
	if len(book.regions) < 240 {
		t.Errorf("%d regions", len(book.regions))
	}
}

func FuzzPlainPhone(f *testing.F) {
	for _, s := range []string{"+49 30 901820", "0049 (0)30 901820", "1 415 555 2671", "+1 264 497 2518", "8 495 123-45-67", "++49", "+800 1234 5678", "011 44 20 7946 0958", "12", "0 15 1234 5678", "497 2518"} {
		for _, region := range []string{"DE", "US", "AI", "RU", "AR", ""} {
			f.Add(s, region)
		}
	}
	f.Fuzz(func(t *testing.T, s, region string) {
		if len(s) > 250 || strings.IndexFunc(s, func(r rune) bool { return r > 127 }) >= 0 {
			return
		}
		samePhone(t, s, region)
	})
}
