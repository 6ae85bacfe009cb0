package matchtest

import (
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
)

// writer fills in one record.
type writer struct {
	Record
	random
	w     *World
	p     *person
	a     *account
	first bool // of the person's records
	// sloppy is how much goes wrong, in thousandths per field: 4, 25 or 110.
	sloppy int
	// atCompany is the domain that an address or website tells, "" if none.
	atCompany string
}

// write makes the record number copy of person i.
func (w *World) write(p person, i, copy int) Record {
	r := writer{random: source(w.seed, 4, uint64(i), uint64(copy)), w: w, p: &p, a: &w.accounts[p.company], first: copy == 0}
	r.sloppy = of(&r.random, []int{4, 4, 4, 4, 25, 25, 25, 25, 110, 110})
	if p.changed {
		r.Noise |= JobChange
	}
	r.writeMail()
	r.writePhones()
	r.writeCompany()
	r.writePlace()
	r.writeName()
	if !r.in(150) {
		r.Title = titles[r.titleIndex()]
	}
	r.Account = r.account()
	return r.Record
}

func (r *writer) titleIndex() int {
	if r.in(120) {
		return r.below(len(titles)) // promoted, or said in other words
	}
	return r.p.title
}

var roles = words("info sales office contact kontakt hello support marketing admin accounting")

func (r *writer) writeMail() {
	p, a := r.p, r.a
	switch {
	case p.private != "" && r.in(650):
		r.Email = p.private
		r.Noise |= PrivateMail
	case r.in(25):
		r.Email = of(&r.random, roles) + "@" + a.mail
		r.atCompany = a.mail
		r.Noise |= RoleMailbox
	case r.in(190):
		r.Noise |= NoMail
		if r.in(150) {
			r.Email = of(&r.random, []string{"test@test.com", "n/a", "none@none.com", "null", "noemail@noemail.com", "-"})
			r.Noise |= Placeholder
		}
	default:
		host := a.mail
		switch {
		case a.oldMail != "" && (r.first || r.in(400)):
			host = a.oldMail
		case a.within && r.in(150):
			host = r.w.accounts[a.parent].domains[0]
		case len(a.domains) > 1 && r.in(150):
			host = of(&r.random, a.domains)
		}
		if host != a.mail {
			r.Noise |= OtherDomain
		}
		r.atCompany = host
		r.Email = r.w.workMail(p, p.formerLast != "" && r.in(300), host)
	}
	if r.Email == "" || r.Noise&Placeholder != 0 {
		return
	}
	if r.in(r.sloppy / 4) {
		local, host, _ := strings.Cut(r.Email, "@")
		if cut, com := strings.CutSuffix(host, ".com"); com && r.in(250) {
			host, r.atCompany = cut+of(&r.random, []string{".con", ".cm", ".co"}), ""
		} else {
			local = typo(&r.random, local)
		}
		r.Email = local + "@" + host
		r.Noise |= MistypedMail
	}
	switch {
	case r.in(12):
		r.Email = strings.Replace(r.Email, "@", "+"+of(&r.random, words("web demo news leads"))+"@", 1)
	case r.in(25):
		r.Email = strings.ToUpper(r.Email[:1]) + r.Email[1:]
	case r.in(10):
		r.Email = " " + strings.ToUpper(r.Email)
	}
}

func (r *writer) writePhones() {
	p, a := r.p, r.a
	n, c := "", r.a.country
	switch {
	case r.in(15):
		r.Phone = of(&r.random, []string{"0000000000", "n/a", "123456", "000", "+1 555 555 5555"})
		r.Noise |= Placeholder
	case p.direct && !p.changed && r.in(600):
		n = a.country.landline(a.place.city, 2*p.number)
	case r.in(400):
		n = a.country.landline(a.place.city, 2*a.line+1)
		r.Noise |= SharedPhone
	case p.mobile && r.in(300):
		n, c = p.country.cell(p.number), p.country
	}
	if n != "" {
		if r.in(r.sloppy / 3) {
			n = mistype(&r.random, n)
			r.Noise |= MistypedPhone
		}
		r.Phone = r.phone(c, n)
		if r.Noise&SharedPhone != 0 && r.in(120) {
			r.Phone += " ext. " + strconv.Itoa(100+p.number%900)
		}
	}
	if p.mobile && (r.in(450) || p.changes) {
		r.Mobile = r.phone(p.country, p.country.cell(p.number))
	}
	if p.page && (r.in(350) || p.changes) {
		page := "linkedin.com/in/" + mailName(p.first) + "-" + mailName(p.last) + "-" + strconv.FormatUint(uint64(p.number)+0x10000, 36)
		r.LinkedIn = of(&r.random, []string{"https://www.", "https://", "www.", "http://", ""}) + page + of(&r.random, []string{"", "/"})
	}
}

// phone writes a national number as people do.
func (r *writer) phone(c *country, n string) string {
	switch r.below(6) {
	case 0:
		return c.calling + n
	case 1:
		return "00" + c.calling[1:] + " " + n
	case 2:
		return c.trunk + n
	case 3:
		return c.calling + " (" + n[:2] + ") " + n[2:5] + "-" + n[5:]
	case 4:
		return c.trunk + n[:3] + "/" + n[3:]
	}
	return c.calling + " " + n[:3] + " " + n[3:6] + " " + n[6:]
}

func (r *writer) writeCompany() {
	a := r.a
	if r.in(320) {
		r.Website = of(&r.random, []string{"https://www.", "www.", "http://", "", "https://"}) + a.domains[0] + of(&r.random, []string{"", "/", "/about"})
		if r.atCompany == "" {
			r.atCompany = a.domains[0]
		}
	}
	if r.atCompany != "" && r.in(70) {
		r.Noise |= NoCompany
		if r.in(150) {
			r.Company = of(&r.random, []string{"n/a", "null", "-", "none"})
			r.Noise |= Placeholder
		}
		return
	}
	name, legal := a.name, a.legal
	switch {
	case r.in(350):
		legal = ""
	case r.in(120):
		legal = of(&r.random, a.country.forms)
		r.Noise |= CompanyVariant
	}
	if parts := strings.Fields(name); len(parts) > 2 && r.in(40) {
		if acronym := initials(parts); len(acronym) > 2 {
			name, legal = acronym, ""
			r.Noise |= Acronym
		}
	}
	if short := abbreviations.Replace(name); short != name && r.in(150) {
		name = short
		r.Noise |= CompanyVariant
	}
	if r.in(15) {
		name = "The " + name
		r.Noise |= CompanyVariant
	}
	if r.in(r.sloppy) {
		name = typo(&r.random, name)
		r.Noise |= Typo
	}
	if r.in(300) {
		name = asciiName(name, r.in(400))
	}
	if legal != "" {
		name += of(&r.random, []string{" ", " ", ", "}) + legal
	}
	r.Company = r.oddCase(name)
}

var abbreviations = strings.NewReplacer("International", "Intl", "Technologies", "Tech", "Solutions", "Sol.", "Consulting", "Cons.", "Corporation", "Corp",
	"Manufacturing", "Mfg", "Engineering", "Eng.", " and ", " & ", "Group", "Grp", "Management", "Mgmt", "Financial", "Fin.", "Systems", "Sys", "Insurance", "Ins.")

func initials(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		if c := p[0]; c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (r *writer) oddCase(s string) string {
	switch {
	case r.in(40):
		r.Noise |= OddCase
		return strings.ToUpper(s)
	case r.in(50):
		r.Noise |= OddCase
		return strings.ToLower(s)
	}
	return s
}

func (r *writer) writePlace() {
	a := r.a
	at := a.place
	if a.was.street != "" && (r.first || r.in(300)) {
		at = a.was
		r.Noise |= Moved
	}
	if r.in(400) {
		r.Street = at.street
	}
	if r.in(400) {
		r.Postcode = at.postcode
	}
	if r.in(550) {
		r.City = a.country.cities[at.city]
		if r.in(300) {
			r.City = asciiName(r.City, r.in(500))
		}
		if len(a.country.regions) > 0 {
			r.Region = a.country.regions[at.city]
		}
	}
	if r.in(850) || a.namesake {
		r.Country = often(&r.random, a.country.spelling)
	}
}

func (r *writer) writeName() {
	p := r.p
	first, last := p.first, p.last
	if p.formerLast != "" && r.in(350) {
		last = p.formerLast
		r.Noise |= Renamed
	}
	switch nicks := nicknames[first]; {
	case nicks != nil && r.in(250):
		first = of(&r.random, nicks)
		r.Noise |= Nickname
	case r.in(30):
		first = string([]rune(first)[:1]) + of(&r.random, []string{"", "."})
		r.Noise |= Initial
	}
	if !isASCII(first+last) && r.in(400) {
		spelled := r.in(400)
		first, last = asciiName(first, spelled), asciiName(last, spelled)
		r.Noise |= PlainLetters
	}
	for _, part := range []*string{&first, &last} {
		if r.in(r.sloppy) {
			*part = typo(&r.random, *part)
			r.Noise |= Typo
		}
	}
	if r.in(30) && r.Noise&Initial == 0 {
		first += " " + string(rune('A'+r.below(20))) + "."
	}
	first, last, _ = strings.Cut(r.oddCase(first+"\x00"+last), "\x00")
	own := r.Noise&(NoMail|RoleMailbox|MistypedMail) == 0 || r.LinkedIn != "" || r.Mobile != ""
	switch {
	case r.in(20):
		first, last = last, first
		r.Noise |= Transposed
	case r.in(15):
		first, last = first+" "+last, ""
		r.Noise |= OneField
	case own && r.in(12):
		last = ""
		r.Noise |= PartialName
	case own && r.in(12):
		first = ""
		r.Noise = r.Noise&^(Nickname|Initial) | PartialName
	}
	r.FirstName, r.LastName = first, last
}

// account is the account that the record tells.
func (r *writer) account() leadloop.AccountID {
	a := r.a
	if !a.known {
		return ""
	}
	if r.Company == "" || r.Noise&NoCompany != 0 {
		// The domain alone tells: one that is the parent's too is the parent's, unless both are there and the country is that of the subsidiary.
		if parent := a.parent; a.within && r.atCompany == r.w.accounts[parent].domains[0] {
			if a.domains[0] != r.atCompany || r.Country == "" || a.country == r.w.accounts[parent].country {
				return r.w.accounts[parent].id
			}
		}
	}
	return a.id
}

var titles = []string{
	"CEO", "Chief Executive Officer", "CFO", "CTO", "CIO", "COO", "Chief Marketing Officer", "VP Sales", "Vice President of Marketing", "VP Engineering",
	"Head of IT", "Head of Procurement", "Head of Marketing", "Director of Operations", "Sales Director", "IT Director", "Marketing Manager",
	"Product Manager", "Project Manager", "Sales Manager", "Account Executive", "Key Account Manager", "Software Engineer", "Senior Software Engineer",
	"Data Analyst", "Business Analyst", "Controller", "Accountant", "HR Manager", "Recruiter", "Office Manager", "Assistant", "Consultant",
	"Purchasing Manager", "Supply Chain Manager", "Plant Manager", "Geschäftsführer", "Einkaufsleiter", "Vertriebsleiter", "Leiter IT", "Directeur commercial",
	"Responsable marketing", "Gérant", "Director General", "Jefe de Compras", "Amministratore Delegato", "Responsabile Acquisti", "Founder", "Owner",
	"Managing Director",
}
