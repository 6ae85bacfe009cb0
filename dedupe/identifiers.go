package dedupe

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// The identifier kinds. Their values are canonical forms of package normalize.
const (
	IdentifierEmail     = "email"      // a person's address
	IdentifierEmailBase = "email_base" // the address without its +sub-address
	IdentifierPhone     = "phone"      // E.164, from the phone or the mobile field
	IdentifierLinkedIn  = "linkedin"   // a person's page
	// IdentifierDomainPerson and IdentifierCompanyPerson join a corporate domain or a company key and the name key of a person, whose words
	// are sorted, so that a transposed name is found too.
	IdentifierDomainPerson  = "domain_person"
	IdentifierCompanyPerson = "company_person"
	IdentifierDomain        = "domain"  // registrable, corporate: never a free or throw-away mail provider
	IdentifierCompany       = "company" // company key, see normalize.Company
	// IdentifierCompanyLike is a piece of a company key: names that are close to each other have one in common.
	IdentifierCompanyLike = "company_like"
)

// isPersonal holds for the kinds that single out a person, by which leads and contacts are looked up; the others hold a whole company.
func isPersonal(i leadloop.Identifier) bool {
	return i.Kind != IdentifierDomain && i.Kind != IdentifierCompany && i.Kind != IdentifierCompanyLike
}

// Identifiers returns what a lead with this profile is found by, sorted and each once; nil if nothing in it can tell it apart.
//
// Placeholders and shared mailboxes ("info@", "null", "0000000") give none, nor do free and throw-away mail domains give a domain.
func Identifiers(p *leadloop.Profile) []leadloop.Identifier { return newTraits(p).identifiers(true) }

// CompanyIdentifiers returns what the account of a lead with this profile is found by: its corporate domains, its company key and pieces of it.
func CompanyIdentifiers(p *leadloop.Profile) []leadloop.Identifier {
	return slices.DeleteFunc(newTraits(p).identifiers(false), isPersonal)
}

// LeadIdentifiers returns what a lead is found by: the identifiers of each of its records, so that after a merge it is still found by what
// every record said. Policy is the loop's; nil means the default.
func LeadIdentifiers(l *leadloop.Lead, policy leadloop.SurvivorshipPolicy) []leadloop.Identifier {
	return PersonOfLead(l, policy).identifiers()
}

// AccountIdentifiers returns what an account is found by: all its corporate domains, the key of its name and pieces of it.
func AccountIdentifiers(a leadloop.Account) []leadloop.Identifier {
	t := accountTraits(a)
	return slices.DeleteFunc(t.identifiers(false), isPersonal)
}

// ContactIdentifiers returns what a contact is found by. A phone number must be in international form.
func ContactIdentifiers(c leadloop.Contact) []leadloop.Identifier {
	return PersonOfContact(c, leadloop.Account{}).identifiers()
}

var standardSchema = sync.OnceValue(leadloop.StandardSchema)

var defaultPolicy = sync.OnceValue(DefaultPolicy)

// traits is what one record says about who it is, normalised. Lists are sorted.
type traits struct {
	mail     normalize.EmailAddress // of a person; zero if none or shared
	phones   []string
	linkedIn string
	first    string // folded
	last     string // folded
	fullName string // words sorted, without initials
	// common says that many at the company have the name, so that it tells nobody apart there.
	common    bool
	domains   []string
	hosts     []string // what the domains were given as
	company   string
	countries []string // what the record says about where it is, best first
}

func newTraits(p *leadloop.Profile) traits {
	text := func(f leadloop.Field[string]) string { v, _ := f.Get(p); return v }
	var t traits
	t.setEmail(text(leadloop.Email))
	t.addDomain(text(leadloop.Domain))
	for _, f := range []leadloop.Field[string]{leadloop.CompanyCountry, leadloop.Country} {
		if iso2, ok := normalize.Country(text(f)); ok {
			t.countries = append(t.countries, iso2)
		}
	}
	hint := text(leadloop.Country)
	if hint == "" {
		hint = text(leadloop.CompanyCountry)
	}
	t.addPhone(text(leadloop.Phone), hint)
	t.addPhone(text(leadloop.Mobile), hint)
	if page, err := normalize.LinkedInURL(text(leadloop.LinkedInURL)); err == nil && strings.Contains(page, "/in/") {
		t.linkedIn = page
	}
	t.setName(text(leadloop.FirstName), text(leadloop.LastName))
	t.setCompany(text(leadloop.CompanyName))
	return t
}

func accountTraits(a leadloop.Account) traits {
	var t traits
	for _, d := range a.Domains {
		t.addDomain(d)
	}
	t.setCompany(a.Name)
	if iso2, ok := normalize.Country(a.Country); ok {
		t.countries = []string{iso2}
	}
	return t
}

func (t *traits) setEmail(s string) {
	mail, err := normalize.Email(s)
	if err != nil {
		return
	}
	if mail.IsCorporate() {
		t.addDomain(mail.Domain)
	}
	if !mail.IsRole() && !normalize.IsPlaceholder(mail.Address) {
		t.mail = mail
	}
}

func (t *traits) addDomain(s string) {
	d, err := normalize.Domain(s)
	if err != nil || normalize.IsFreeDomain(d) || normalize.IsDisposableDomain(d) {
		return
	}
	if i, found := slices.BinarySearch(t.domains, d); !found {
		t.domains = slices.Insert(t.domains, i, d)
	}
	host := hostWithin(s, d)
	if i, found := slices.BinarySearch(t.hosts, host); !found {
		t.hosts = slices.Insert(t.hosts, i, host)
	}
}

// hostWithin returns the host of s, which lies in the registrable domain d, without "www."; d if it is written in a way that can't be cut out.
func hostWithin(s, d string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	end := strings.Index(s, d)
	if end < 0 {
		return d
	}
	begin := strings.LastIndexAny(s[:end], "/@: ") + 1
	return strings.TrimPrefix(s[begin:end], "www.") + d
}

func (t *traits) addPhone(s, hint string) {
	n, err := normalize.Phone(s, hint)
	// Numbers of no country are services that many can be reached by, and an extension means that the number itself is a switchboard's.
	if err != nil || n.Region == "001" || n.Extension != "" || normalize.IsPlaceholder(n.E164) {
		return
	}
	if i, found := slices.BinarySearch(t.phones, n.E164); !found {
		t.phones = slices.Insert(t.phones, i, n.E164)
	}
	if !slices.Contains(t.countries, n.Region) {
		t.countries = append(t.countries, n.Region)
	}
}

func (t *traits) setName(first, last string) {
	n := normalize.PersonName(first, last)
	t.first, t.last = normalize.NameKey(n.First), normalize.NameKey(n.Last)
	if t.first == "" || t.last == "" {
		return
	}
	t.fullName = nameKeyOf(t.first + " " + t.last)
}

// nameKeyOf sorts the words of a folded name and leaves out middle initials.
func nameKeyOf(name string) string {
	words := strings.Fields(name)
	if long := slices.DeleteFunc(slices.Clone(words), isInitial); len(long) > 1 {
		words = long
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func isInitial(word string) bool { return utf8.RuneCountInString(word) == 1 }

// variants are the keys by which the same person with a nickname or an initial would be found at the same company.
func (t traits) variants() []leadloop.Identifier {
	if t.fullName == "" || t.common {
		return nil
	}
	given, _, _ := strings.Cut(t.first, " ")
	initial := start(given, 1)
	names := normalize.Nicknames(given)
	if initial != given {
		names = append(names, initial)
	}
	var out []leadloop.Identifier
	for _, n := range names {
		words := strings.Fields(n + " " + t.last)
		slices.Sort(words)
		key := "|" + strings.Join(words, " ")
		for _, d := range t.domains {
			out = append(out, leadloop.Identifier{Kind: IdentifierDomainPerson, Value: d + key})
		}
		if t.company != "" {
			out = append(out, leadloop.Identifier{Kind: IdentifierCompanyPerson, Value: t.company + key})
		}
	}
	return out
}

func (t *traits) setCompany(s string) {
	if key := normalize.Company(s).Key; key != "" && !normalize.IsPlaceholder(s) && !normalize.IsPlaceholder(key) {
		t.company = key
	}
}

// identifiers lists what the traits give, sorted; the company key alone is only asked for to find accounts.
func (t traits) identifiers(forLead bool) []leadloop.Identifier {
	var out []leadloop.Identifier
	add := func(kind, value string) { out = append(out, leadloop.Identifier{Kind: kind, Value: value}) }
	if t.mail.Address != "" {
		add(IdentifierEmail, t.mail.Address)
		add(IdentifierEmailBase, t.mail.Base)
	}
	for _, p := range t.phones {
		add(IdentifierPhone, p)
	}
	if t.linkedIn != "" {
		add(IdentifierLinkedIn, t.linkedIn)
	}
	for _, d := range t.domains {
		add(IdentifierDomain, d)
		if t.fullName != "" && !t.common {
			add(IdentifierDomainPerson, d+"|"+t.fullName)
		}
	}
	if t.company != "" {
		if !forLead {
			add(IdentifierCompany, t.company)
			for _, block := range companyBlocks(t.company) {
				add(IdentifierCompanyLike, block)
			}
		}
		if t.fullName != "" && !t.common {
			add(IdentifierCompanyPerson, t.company+"|"+t.fullName)
		}
	}
	slices.SortFunc(out, leadloop.Identifier.Compare)
	return out
}
