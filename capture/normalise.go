package capture

import (
	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// normalise brings every standard field into its canonical form. What can't be
// read is dropped with a warning, except an e-mail: a wrong address is a wrong
// lead.
func (d *draft) normalise() {
	if s, ok := d.text(leadloop.Email); ok {
		if e, err := normalize.Email(s); err != nil {
			d.bad(leadloop.Email.Name(), cause(err))
		} else {
			d.set(leadloop.Email, e.Address)
		}
	}
	d.place()
	d.person()
	d.company()
	for f, canonical := range map[leadloop.Field[string]]func(string) string{leadloop.Source: normalize.Source, leadloop.Medium: normalize.Medium} {
		if s, ok := d.text(f); ok {
			d.set(f, canonical(s))
		}
	}
	if _, ok := d.text(leadloop.Source); !ok && d.source.LeadSource != "" {
		d.set(leadloop.Source, d.source.LeadSource)
	}
	d.consent()
}

func (d *draft) place() {
	country := d.source.Country
	for _, f := range []leadloop.Field[string]{leadloop.Country, leadloop.CompanyCountry} {
		if s, ok := d.text(f); ok {
			if iso, ok := normalize.Country(s); ok {
				d.set(f, iso)
			} else {
				d.drop(f.Name(), "is no country that is known")
			}
		}
	}
	if s, ok := d.text(leadloop.Country); ok {
		country = s
	}
	if s, ok := d.text(leadloop.Region); ok {
		if code, ok := normalize.Region(country, s); ok {
			d.set(leadloop.Region, code)
		}
	}
	for _, f := range []leadloop.Field[string]{leadloop.Phone, leadloop.Mobile} {
		if s, ok := d.text(f); ok {
			if n, err := normalize.Phone(s, country); err != nil {
				d.drop(f.Name(), cause(err))
			} else {
				d.set(f, n.E164)
				if f == leadloop.Phone {
					d.dialled = n.Region
				}
			}
		}
	}
}

func (d *draft) person() {
	first, _ := d.text(leadloop.FirstName)
	last, _ := d.text(leadloop.LastName)
	if first != "" || last != "" {
		n := normalize.PersonName(first, last)
		for f, s := range map[leadloop.Field[string]]string{leadloop.FirstName: n.First, leadloop.LastName: n.Last} {
			if s != "" {
				d.set(f, s)
			} else {
				delete(d.values, f.Name())
			}
		}
	}
	if s, ok := d.text(leadloop.LinkedInURL); ok {
		if u, err := normalize.LinkedInURL(s); err != nil {
			d.drop(leadloop.LinkedInURL.Name(), cause(err))
		} else {
			d.set(leadloop.LinkedInURL, u)
		}
	}
	if s, ok := d.text(leadloop.Title); ok && normalize.IsNull(s) {
		d.drop(leadloop.Title.Name(), "is a placeholder")
	}
}

func (d *draft) company() {
	if s, ok := d.text(leadloop.CompanyName); ok {
		if normalize.IsNull(s) {
			d.drop(leadloop.CompanyName.Name(), "is a placeholder")
		} else {
			d.set(leadloop.CompanyName, normalize.Company(s).Display)
		}
	}
	if s, ok := d.text(leadloop.Domain); ok {
		if host, err := normalize.Domain(s); err != nil {
			d.drop(leadloop.Domain.Name(), cause(err))
		} else {
			d.set(leadloop.Domain, host)
		}
	}
}

// consent reads what forms and lists write. What can't be read is taken for
// pending: no yes was given.
func (d *draft) consent() {
	s, ok := d.text(leadloop.Consent)
	if !ok {
		return
	}
	switch normalize.Fold(s) {
	case "granted", "yes", "true", "1", "y", "on", "opted in", "opt-in", "optin", "subscribed":
		d.set(leadloop.Consent, leadloop.ConsentGranted)
	case "denied", "no", "false", "0", "n", "off":
		d.set(leadloop.Consent, leadloop.ConsentDenied)
	case "withdrawn", "unsubscribed", "opted out", "opt-out", "optout":
		d.set(leadloop.Consent, leadloop.ConsentWithdrawn)
	case "pending":
		d.set(leadloop.Consent, leadloop.ConsentPending)
	default:
		d.set(leadloop.Consent, leadloop.ConsentPending)
		d.warnings = append(d.warnings, Reason{leadloop.Consent.Name(), "is neither yes nor no; taken for pending"})
	}
}

// derive adds what follows from what was said, where nothing was said.
func (d *draft) derive() {
	if s, ok := d.text(leadloop.Email); ok {
		if e, err := normalize.Email(s); err == nil && e.IsCorporate() {
			if host, err := normalize.Domain(e.Domain); err == nil {
				d.infer(leadloop.Domain, host)
			}
		}
	}
	if s, ok := d.text(leadloop.Title); ok {
		t := normalize.Title(s)
		d.infer(leadloop.Seniority, string(t.Seniority))
		d.infer(leadloop.Department, string(t.Department))
	}
	country, _ := d.text(leadloop.Country)
	if country == "" {
		if d.dialled != "" && d.dialled != "001" {
			country = d.dialled
			d.infer(leadloop.Country, country)
		}
	}
	region, _ := d.text(leadloop.Region)
	if zone, ok := normalize.Timezone(country, region); ok {
		d.infer(leadloop.Timezone, zone)
	}
}

func (d *draft) infer(f leadloop.Field[string], s string) {
	if _, said := d.values[f.Name()]; !said && s != "" {
		d.derived[f.Name()] = leadloop.ValueOf(s)
	}
}
