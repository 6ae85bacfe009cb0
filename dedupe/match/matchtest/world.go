package matchtest

import (
	"fmt"
	"iter"
	"time"

	"github.com/leadloop/leadloop"
)

// Record is one lead as it arrived, with what is true about it. Empty fields are missing.
type Record struct {
	ID        leadloop.LeadID
	FirstName string
	LastName  string
	Title     string
	Email     string
	Phone     string
	Mobile    string
	LinkedIn  string
	Company   string
	Website   string
	Street    string
	City      string
	Postcode  string
	Region    string
	Country   string
	At        time.Time // of its arrival

	// Entity numbers the person; records of one entity are duplicates of each other.
	Entity int
	// Account is the account that a careful human with the list of accounts would link this record to; "" if the company is not among them or the
	// record says nothing that tells it.
	Account leadloop.AccountID
	// Noise is what makes the record hard.
	Noise Noise
}

// The clusters of a hundred records: 50 people with one record, 14 with two, 4 with three, one with four and one with six. 30 records are
// duplicates of an earlier one.
var (
	blockRecords, blockPeople = 100, 70
	clusterSizes              = func() (sizes [70]uint8) {
		for i := range sizes {
			switch {
			case i < 50:
				sizes[i] = 1
			case i < 64:
				sizes[i] = 2
			case i < 68:
				sizes[i] = 3
			case i < 69:
				sizes[i] = 4
			default:
				sizes[i] = 6
			}
		}
		return sizes
	}()
	firstSlots [70]int // of each person
	slots      = func() (slots [100]slot) {
		n := 0
		for person, size := range clusterSizes {
			firstSlots[person] = n
			for copy := range size {
				slots[n] = slot{uint8(person), copy}
				n++
			}
		}
		return slots
	}()
)

type slot struct{ person, copy uint8 }

// World is a market: companies, the people who work there, and the leads they left. It is immutable and safe for concurrent use.
type World struct {
	records  int
	seed     uint64
	order    permutation // of records over slots
	mixed    permutation // of people, for numbers that must be unique
	accounts []account
	// suffix is what a person's address has behind its name because colleagues of the same name came first.
	suffix []uint8
}

// New makes a world with the given number of records, at least 1, and one company per twelve records, at least 20. It takes about a microsecond
// per record and holds about 40 bytes per record; the records themselves are made when they are asked for.
//
// What counts as the truth:
//   - A person has one entity, wherever they work. Who changes the company keeps something personal that all their records state (a LinkedIn
//     page or a mobile number); a change of which no record tells is not made.
//   - Two people of one name are two entities, at one company too: there they have different addresses.
//   - Records state enough to be linked: a name and a way to tell apart those who share it, such as the company, an own address or number.
//   - Nine companies in ten are accounts. Subsidiaries are accounts of their own with their parent's id; people of a subsidiary may write from
//     the parent's domain, and what the record says of the company then decides. Domains of an account include those it had before it moved.
//   - A record with a free-mail address or a role mailbox and no company belongs to the account whose domain it has, or to none.
func New(records int, seed uint64) *World {
	records = max(records, 1)
	w := &World{records: records, seed: seed, order: newPermutation(records, seed)}
	w.mixed = newPermutation(w.People(), seed+1)
	w.makeAccounts(max(20, records/12))
	w.makeSuffixes()
	return w
}

// Len returns the number of records.
func (w *World) Len() int { return w.records }

// People returns the number of entities.
func (w *World) People() int {
	last := w.records - 1
	return last/blockRecords*blockPeople + int(slots[last%blockRecords].person) + 1
}

// TruePairs returns how many pairs of records are duplicates.
func (w *World) TruePairs() int64 {
	perBlock, pairs := int64(0), int64(0)
	for i, s := range slots {
		perBlock += int64(s.copy)
		if i < w.records%blockRecords {
			pairs += int64(s.copy)
		}
	}
	return pairs + int64(w.records/blockRecords)*perBlock
}

// Records yields all records in the order of their arrival.
func (w *World) Records() iter.Seq2[int, Record] {
	return func(yield func(int, Record) bool) {
		for i := range w.records {
			if !yield(i, w.Record(i)) {
				return
			}
		}
	}
}

// Record returns the i-th record, 0 ≤ i < Len.
func (w *World) Record(i int) Record {
	at := w.order.at(i)
	s := slots[at%blockRecords]
	person := at/blockRecords*blockPeople + int(s.person)
	r := w.write(w.person(person, int(s.copy)), person, int(s.copy))
	r.ID = leadloop.LeadID(fmt.Sprintf("lead-%08d", i))
	r.At = epoch.Add(time.Duration(i) * time.Minute)
	r.Entity = person
	return r
}

var epoch = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// Accounts yields the accounts that the CRM knows, in id order, without identifiers.
func (w *World) Accounts() iter.Seq[leadloop.Account] {
	return func(yield func(leadloop.Account) bool) {
		for i := range w.accounts {
			if a := &w.accounts[i]; a.known && !yield(w.crmAccount(a)) {
				return
			}
		}
	}
}

func (w *World) crmAccount(a *account) leadloop.Account {
	out := leadloop.Account{ID: a.id, Name: a.name, Domains: append([]string(nil), a.domains...), Country: a.country.iso2}
	if a.legal != "" {
		out.Name += " " + a.legal
	}
	if a.parent >= 0 && w.accounts[a.parent].known {
		out.Parent = w.accounts[a.parent].id
	}
	return out
}

// Columns are the names of what [Record.Row] returns, truth last.
func Columns() []string {
	return []string{
		"id", "first_name", "last_name", "title", "email", "phone", "mobile", "linkedin", "company", "website", "street", "city", "postcode",
		"region", "country", "entity", "account",
	}
}

// Row appends the record to row in the order of [Columns], for a CSV file.
func (r Record) Row(row []string) []string {
	return append(row, string(r.ID), r.FirstName, r.LastName, r.Title, r.Email, r.Phone, r.Mobile, r.LinkedIn, r.Company, r.Website, r.Street,
		r.City, r.Postcode, r.Region, r.Country, fmt.Sprint(r.Entity), string(r.Account))
}

// Lead returns the record as a lead that was never stored, each field that is there a claim of the person through a form. The standard schema has
// no street and no postcode, so a lead has neither.
func (r Record) Lead() *leadloop.Lead {
	l := &leadloop.Lead{ID: r.ID, ReceivedAt: r.At}
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", Record: r.ID, ObservedAt: r.At}
	for _, f := range []struct {
		field leadloop.Field[string]
		value string
	}{
		{leadloop.FirstName, r.FirstName}, {leadloop.LastName, r.LastName}, {leadloop.Title, r.Title}, {leadloop.Email, r.Email},
		{leadloop.Phone, r.Phone}, {leadloop.Mobile, r.Mobile}, {leadloop.LinkedInURL, r.LinkedIn}, {leadloop.CompanyName, r.Company},
		{leadloop.Domain, r.Website}, {leadloop.City, r.City}, {leadloop.Region, r.Region}, {leadloop.Country, r.Country},
	} {
		if f.value != "" {
			l.Claims = append(l.Claims, f.field.Claim(f.value, e))
		}
	}
	l.Claims = leadloop.UniteClaims(nil, l.Claims)
	return l
}
