package normalize

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// mostDigits is how many digits the fast way reads: with calling code and prefixes no number has more.
const mostDigits = 24

// plainPhone is what the library makes of a number without letters and without an extension, which are nearly all: by its metadata, and by its
// rules for such numbers, but without its regular expressions. Not ok is what the library has to be asked about.
func plainPhone(s, region string) (p PhoneNumber, why Reason, ok bool) {
	var room [mostDigits]byte
	digits, international := room[:0], false
	for i := range len(s) {
		switch c := s[i]; c {
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			if len(digits) == mostDigits {
				return PhoneNumber{}, "", false
			}
			digits = append(digits, c)
		case '+':
			if international || len(digits) > 0 {
				return PhoneNumber{}, "", false
			}
			international = true
		case ' ', '-', '.', '(', ')':
		default:
			return PhoneNumber{}, "", false
		}
	}
	if len(digits) < 3 {
		return PhoneNumber{}, "", false
	}
	var code *callingCode
	var plan *numberPlan
	book := numberPlans()
	national := digits
	if international {
		if code = book.code(digits); code == nil {
			return PhoneNumber{}, "", false
		}
		national, plan = digits[len(code.digits):], code.regions[0].plan()
	} else {
		lazy := book.regions[region]
		if lazy == nil {
			return PhoneNumber{}, "", false
		}
		plan, code = lazy.plan(), lazy.code
		// A number may be written as it is dialled from abroad, or with the calling code and without anything before it.
		if plan == nil || plan.abroad == nil || plan.abroad.begins(digits) {
			return PhoneNumber{}, "", false
		}
		if rest, has := bytes.CutPrefix(digits, code.digits); has {
			rest = plan.withoutPrefix(rest)
			if !plan.looksNational(digits) && plan.looksNational(rest) || plan.tooLong[len(digits)] {
				national = rest
			}
		}
	}
	if plan == nil {
		return PhoneNumber{}, "", false
	}
	if len(national) < 2 {
		return PhoneNumber{}, ReasonSyntax, true
	}
	if rest := plan.withoutPrefix(national); plan.keeps[len(rest)] {
		national = rest
	}
	if len(national) < 2 || len(national) > 17 {
		return PhoneNumber{}, ReasonSyntax, true
	}
	of, ok := code.regionOf(national)
	switch {
	case !ok:
		return PhoneNumber{}, "", false
	case of == nil || !of.plan().valid(national):
		return PhoneNumber{}, ReasonNumber, true
	}
	e164 := make([]byte, 0, mostDigits+1)
	e164 = append(append(append(e164, '+'), code.digits...), national...)
	return PhoneNumber{E164: string(e164), Region: of.region}, "", true
}

// planBook has the numbering plans of the world.
type planBook struct {
	regions map[string]*lazyPlan
	codes   [1000]*callingCode
}

// callingCode is a country's, which some countries share.
type callingCode struct {
	digits  []byte
	regions []*lazyPlan // the first is the one whose rules dialling follows
}

// code is the calling code that the digits begin with.
func (b *planBook) code(digits []byte) *callingCode {
	n := 0
	for _, d := range digits[:min(3, len(digits))] {
		n = n*10 + int(d-'0')
		if n == 0 {
			return nil
		}
		if c := b.codes[n]; c != nil {
			return c
		}
	}
	return nil
}

// regionOf is the region whose number it is, nil if it is nobody's. Not ok is what the library has to be asked about.
func (c *callingCode) regionOf(national []byte) (_ *lazyPlan, ok bool) {
	for _, x := range c.regions {
		p := x.plan()
		switch {
		case p == nil:
			return nil, false
		case len(c.regions) == 1, p.leading != nil && p.leading.begins(national), p.leading == nil && p.valid(national):
			return x, true
		}
	}
	return nil, true
}

// lazyPlan is a plan that is compiled when it is first asked for.
type lazyPlan struct {
	region string
	code   *callingCode
	// plan is nil if the metadata has something that this code does not understand.
	plan func() *numberPlan
}

// numberPlan is how the numbers of a region are built.
type numberPlan struct {
	abroad *digitPatterns // what is dialled before numbers of other countries; nil for numbers of no country
	// prefix is what is dialled within the country before some numbers. It is a plain string, or else a pattern that may also rewrite.
	prefix    []byte
	prefixes  *digitPatterns // nil if it can't tell
	pattern   *regexp.Regexp // nil for a plain string
	transform string

	leading *digitPatterns // how all numbers begin if that alone tells the region, else nil
	// kinds are the patterns of all numbers (bit 0) and of each kind of them, which have only some lengths.
	kinds    *digitPatterns
	byLength [mostDigits + 1]uint16
	// keeps tells for which lengths a prefix is taken off.
	keeps, tooLong [mostDigits + 1]bool
}

var numberPlans = sync.OnceValue(func() *planBook {
	b := &planBook{regions: map[string]*lazyPlan{}}
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return b // the library is asked about everything
	}
	metadata := map[string]*phonenumbers.PhoneMetadata{} // by calling code and region: "001" stands for many
	key := func(code int, region string) string { return strconv.Itoa(code) + region }
	for _, m := range all.GetMetadata() {
		metadata[key(int(m.GetCountryCode()), m.GetId())] = m
	}
	for n := range phonenumbers.GetSupportedCallingCodes() {
		c := &callingCode{digits: strconv.AppendInt(nil, int64(n), 10)}
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(n) {
			m := metadata[key(n, region)]
			if m == nil || n >= len(b.codes) {
				return &planBook{}
			}
			x := &lazyPlan{region: region, code: c, plan: sync.OnceValue(func() *numberPlan { return newNumberPlan(m) })}
			c.regions = append(c.regions, x)
			if region != "001" {
				b.regions[region] = x
			}
		}
		b.codes[n] = c
	}
	return b
})

// newNumberPlan compiles a plan; nil if there is something in it that only the library understands.
func newNumberPlan(m *phonenumbers.PhoneMetadata) *numberPlan {
	p := &numberPlan{transform: m.GetNationalPrefixTransformRule()}
	kinds := []*phonenumbers.PhoneNumberDesc{
		m.GetGeneralDesc(), m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(),
		m.GetVoicemail(), m.GetFixedLine(),
	}
	if !m.GetSameMobileAndFixedLinePattern() {
		kinds = append(kinds, m.GetMobile())
	}
	patterns := make([]string, len(kinds))
	for i, k := range kinds {
		patterns[i] = k.GetNationalNumberPattern()
		for n := range p.byLength {
			if lengths := k.GetPossibleLength(); len(lengths) == 0 || slices.Contains(lengths, int32(n)) {
				p.byLength[n] |= 1 << i
			}
		}
	}
	possible, local := m.GetGeneralDesc().GetPossibleLength(), m.GetGeneralDesc().GetPossibleLengthLocalOnly()
	if len(possible) == 0 {
		return nil
	}
	for n := range p.keeps {
		if n := int32(n); possible[0] != -1 && !slices.Contains(local, n) {
			p.tooLong[n] = n > possible[len(possible)-1]
			p.keeps[n] = p.tooLong[n] || slices.Contains(possible, n)
		}
	}
	var errs [3]error
	p.kinds, errs[0] = newDigitPatterns(patterns...)
	if abroad := m.GetInternationalPrefix(); abroad != "" {
		p.abroad, errs[1] = newDigitPatterns(abroad)
	}
	if lead := m.GetLeadingDigits(); lead != "" {
		p.leading, errs[2] = newDigitPatterns(lead)
	}
	if errs != [3]error{} {
		return nil
	}
	switch prefix := m.GetNationalPrefixForParsing(); {
	case prefix == "":
	case isDigits(prefix) && p.transform == "":
		p.prefix = []byte(prefix)
	default:
		var err error
		if p.pattern, err = regexp.Compile("^(?:" + prefix + ")"); err != nil {
			return nil
		}
		// What looks at the end of the number is not known by its beginning.
		p.prefixes, _ = newDigitPatterns(prefix)
	}
	return p
}

// looksNational reports whether digits look like a number of the region, whatever kind and length it is.
func (p *numberPlan) looksNational(digits []byte) bool { return p.kinds.whole(digits)&1 != 0 }

// valid reports whether the region has such numbers.
func (p *numberPlan) valid(national []byte) bool {
	kinds := p.kinds.whole(national) & p.byLength[len(national)]
	return kinds&1 != 0 && kinds != 1
}

// withoutPrefix takes off what is dialled before a number, unless what remains is none although the whole is.
func (p *numberPlan) withoutPrefix(digits []byte) []byte {
	var rest []byte
	switch {
	case len(digits) == 0 || p.prefix == nil && p.pattern == nil || p.prefixes != nil && !p.prefixes.begins(digits):
		return digits
	case p.pattern == nil:
		if !bytes.HasPrefix(digits, p.prefix) {
			return digits
		}
		rest = digits[len(p.prefix):]
	default:
		at := p.pattern.FindSubmatchIndex(digits)
		if at == nil {
			return digits
		}
		if rest = digits[at[1]:]; p.transform != "" && at[len(at)-2] >= 0 {
			rest = p.pattern.ReplaceAll(digits, []byte(p.transform))
		}
	}
	if p.looksNational(digits) && !p.looksNational(rest) {
		return digits
	}
	return rest
}
