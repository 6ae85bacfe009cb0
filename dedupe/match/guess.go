package match

import (
	"cmp"
	"slices"
	"strings"
)

// rowIDs are headers of what numbers the rows and says nothing about who they are.
var rowIDs = map[string]bool{
	"id": true, "recid": true, "rowid": true, "recordid": true, "uniqueid": true, "uuid": true, "guid": true, "key": true, "index": true, "row": true, "rownumber": true,
	"nr": true, "lfdnr": true, "truth": true, "groundtruth": true, "goldid": true, "trueid": true, "wahrheit": true, "cluster": true, "clusterid": true, "entity": true, "entityid": true, "leadid": true, "contactid": true, "source": true, "createdat": true, "updatedat": true,
	"created": true, "updated": true,
}

// ownerWords are words of headers of who of us looks after a row.
var ownerWords = map[string]bool{"owner": true, "assignee": true, "assigned": true, "betreuer": true, "betreuerin": true, "zustandig": true, "zustandiger": true}

// rowDates are words of headers of dates of what was done with a row, which say nothing about who it is.
var rowDates = map[string]bool{
	"created": true, "creation": true, "updated": true, "modified": true, "changed": true, "inserted": true, "imported": true, "added": true, "timestamp": true,
	"activity": true, "login": true, "seen": true, "visit": true, "contacted": true, "erstellt": true, "erstelldatum": true, "angelegt": true, "anlagedatum": true,
	"geandert": true, "anderungsdatum": true, "importiert": true, "erfasst": true,
}

// guessRows is how many rows Guess looks at.
const guessRows = 2000

// Guess returns a field for each column of a table, with its kind guessed from the header and from the values of the first rows. Columns that
// number the rows, that are empty, moments of what was done with a row, full names beside given and family name, and what tells the least of more
// columns than are compared are ignored. It is a start for a human to correct.
func Guess(header []string, rows [][]string) []Field {
	fields := make([]Field, len(header))
	facts := make([]columnFacts, len(header))
	names := map[string]int{}
	mails := -1
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if name == "" {
			name = "column"
		}
		names[name]++
		if n := names[name]; n > 1 {
			name += " " + string(rune('0'+min(n, 9)))
		}
		fields[i].Name = name
		facts[i] = look(i, rows)
		if mails < 0 && facts[i].share(facts[i].emails) > mostlyMail {
			mails = i
		}
	}
	for i := range fields {
		if mails >= 0 && i != mails {
			facts[i].lookAtMails(i, mails, rows)
		}
		fields[i].Kind = guessKind(fields[i].Name, &facts[i])
	}
	nameFamily(fields, facts)
	fewCompanies(fields, facts)
	dropRedundant(fields, rows)
	keepTelling(fields, facts)
	return fields
}

// nameFamily decides about columns that are called a name and no more: "Nom" beside "Prénom" is the family name, "Nombre" beside "Apellidos" the
// given one, beside a company the whole one, and alone it is what its values look like.
func nameFamily(fields []Field, facts []columnFacts) {
	has := func(k Kind, but int) bool {
		for i, f := range fields {
			if f.Kind == k && i != but {
				return true
			}
		}
		return false
	}
	for i := range fields {
		switch key := solid(fields[i].Name); {
		case !bareNames[key] || fields[i].Kind == KindIgnore:
		case has(KindGivenName, i) && !has(KindFamilyName, i):
			fields[i].Kind = KindFamilyName
		case !has(KindGivenName, i) && has(KindFamilyName, i) && facts[i].meanWords() < 1.6:
			fields[i].Kind = KindGivenName
		case fields[i].Kind == KindGivenName && !has(KindFamilyName, i):
			fields[i].Kind = facts[i].named()
		}
		if bareNames[solid(fields[i].Name)] && fields[i].Kind == KindCompany && has(KindCompany, i) && facts[i].fewWords() && facts[i].share(facts[i].legal) < 0.05 {
			fields[i].Kind = KindPersonName
		}
	}
}

// fewCompanies takes companies for categories if there are very few of them beside what tells many more rows apart: the vendors of a list of products.
func fewCompanies(fields []Field, facts []columnFacts) {
	most := 0
	for i, f := range facts {
		if fields[i].Kind != KindIgnore {
			most = max(most, f.distinct)
		}
	}
	for i, f := range facts {
		if fields[i].Kind == KindCompany && f.distinct <= 12 && f.distinct*50 < f.filled && f.distinct*20 < most {
			fields[i].Kind = KindCategory
		}
	}
}

// telling are the kinds that tell rows apart, the best first.
var telling = []Kind{
	KindGivenName, KindFamilyName, KindPersonName, KindEmail, KindPhone, KindCompany, KindID, KindAddress, KindDomain, KindPeople, KindDate, KindUSDate, KindPostcode,
	KindCity, KindTitle, KindText, KindNumber, KindCategory,
}

// keepTelling ignores what tells the least, if there are more columns than are compared: of one kind those with the fewest values, and of equals the last.
func keepTelling(fields []Field, facts []columnFacts) {
	var order []int
	for i, f := range fields {
		if f.Kind != KindIgnore {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(slices.Index(telling, fields[a].Kind), slices.Index(telling, fields[b].Kind)), cmp.Compare(facts[b].distinct, facts[a].distinct))
	})
	room := maxComparisons
	for _, i := range order {
		if n := comparisonsOf(fields[i].Kind); n <= room {
			room -= n
		} else {
			fields[i].Kind = KindIgnore
		}
	}
}

// numbering holds if the values are whole numbers or codes, none of them twice and none missing: those of rows, which only mislead.
func (f *columnFacts) numbering() bool {
	return f.filled >= leastNumbering && f.distinct == f.filled && (f.whole == f.filled || f.codes == f.filled && f.filled == f.rows)
}

const (
	leastNumbering = 50
	mostlyMail     = 0.6
)

// named tells names of people from those of companies.
func (f *columnFacts) named() Kind {
	if f.personal() {
		return KindPersonName
	}
	return KindCompany
}

// personal reports whether values look like full names of people.
func (f *columnFacts) personal() bool {
	switch {
	case f.meanWords() >= 3.5 || f.ofHost():
		return false
	case f.share(f.given+f.turned) > 0.35 && f.share(f.legal) < 0.05:
		return true
	}
	return f.fewWords() && f.ofMailbox()
}

// fewWords holds for as many words as names of people have.
func (f *columnFacts) fewWords() bool { return f.meanWords() > 1.5 && f.meanWords() < 3.5 }

// contradict reports whether the values are not what the header says: numbers under "person", yes and no under "e-mail sent".
func (f *columnFacts) contradict(k Kind) bool {
	switch k {
	case KindDate:
		return f.share(f.dates) < 0.5
	case KindPhone:
		return f.share(f.phones) < 0.3
	case KindNumber:
		return f.share(f.numbers) < 0.5
	case KindEmail:
		return f.emails == 0
	case KindGivenName, KindFamilyName, KindPersonName, KindPeople, KindCompany, KindCity, KindTitle, KindDomain:
		return f.letters < f.filled || f.share(f.dates) > 0.8 || f.share(f.codes) > 0.8
	}
	return false
}

// guessKind decides by the values where they leave no doubt, then by the header, then by the values.
func guessKind(name string, f *columnFacts) Kind {
	key := solid(name)
	words := strings.Fields(plainWords(splitCamel(name)))
	if rowIDs[key] || f.filled == 0 || f.share(f.timed) > 0.5 || f.share(f.dates) > 0.5 && ofRow(words) {
		return KindIgnore
	}
	kind, known := headerKind(words)
	if known && f.contradict(kind) {
		known = false
	}
	switch {
	case !known && f.numbering():
		return KindIgnore
	case slices.ContainsFunc(words, func(w string) bool { return ownerWords[w] }):
		return KindCategory
	case f.share(f.emails) > mostlyMail:
		return KindEmail
	case !known && (bareNames[key] || eitherNames[key]):
		kind = f.named()
	case !known && len(words) > 0 && bareNames[words[len(words)-1]] && f.personal():
		kind = KindPersonName
	case !known:
		kind = f.kind()
	case kind == KindTitle && f.share(f.polite) > 0.8:
		kind = KindCategory
	case kind == KindDomain && f.share(f.pages) > 0.8 && f.distinct*3 > f.filled: // everybody's profile at one site
		kind = KindID
	case kind == KindTitle && f.meanWords() > 4.5:
		kind = KindText
	case kind == KindCategory && f.distinct > 200 && f.distinct*10 > f.filled*3:
		kind = KindText
	case kind == KindPersonName && f.meanWords() > 6:
		kind = KindPeople
	}
	if kind == KindDate && f.monthsFirst > f.daysFirst {
		return KindUSDate
	}
	return kind
}

// ofRow reports whether a header says that a date is that of what was done with a row: "Created on", "verified_at", but not "geboren am".
func ofRow(words []string) bool {
	if slices.ContainsFunc(words, func(w string) bool { return rowDates[w] }) {
		return true
	}
	if len(words) == 0 || slices.Contains(words, "born") || slices.Contains(words, "geboren") {
		return false
	}
	last := words[len(words)-1]
	return last == "at" || last == "on" || last == "am"
}

// headerKind looks for the longest run of words of a header that tells a kind, the last of equally long ones. A company or a person is only whose it is if
// there is another: "company city", "Vorname Ansprechpartner".
func headerKind(words []string) (Kind, bool) {
	var found Kind
	longest := 0
	for i := range words {
		var joined strings.Builder
		for _, w := range words[i:] {
			joined.WriteString(w)
			k, ok := headerKinds[joined.String()]
			if !ok {
				continue
			}
			owner, before := k == KindCompany || k == KindPersonName, found == KindCompany || found == KindPersonName
			if longest == 0 || before && !owner || before == owner && joined.Len() >= longest {
				found, longest = k, joined.Len()
			}
		}
	}
	return found, longest > 0
}

// splitCamel puts blanks where "firstName" and "first_name" have words.
func splitCamel(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && 'A' <= r && r <= 'Z' && 'a' <= s[i-1] && s[i-1] <= 'z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// kind guesses by the values alone.
func (f *columnFacts) kind() Kind {
	switch {
	case f.share(f.dates) > 0.8:
		return KindDate
	case f.share(f.phones) > 0.8 && f.share(f.written) > 0.2:
		return KindPhone
	case f.share(f.domains) > 0.8:
		return KindDomain
	case f.fewWords() && f.ofMailbox():
		return KindPersonName
	case f.distinct <= 60 && f.distinct*20 < f.filled:
		return KindCategory
	case f.share(f.legal) > 0.15:
		return KindCompany
	case f.share(f.ids) > 0.8:
		return KindID
	case f.share(f.numbers) > 0.8:
		return KindNumber
	case f.fewWords() && f.share(f.given) > 0.5:
		return KindPersonName
	case f.distinct <= 12 && f.distinct*4 <= f.filled: // of a small table
		return KindCategory
	}
	return KindText
}

// dropRedundant ignores columns of full names whose words are in given and family name anyway.
func dropRedundant(fields []Field, rows [][]string) {
	given, family := -1, -1
	for i, f := range fields {
		switch {
		case f.Kind == KindGivenName && given < 0 && !strings.Contains(solid(f.Name), "surname") && !strings.Contains(solid(f.Name), "lastname"):
			given = i
		case f.Kind == KindFamilyName && (family < 0 || solid(f.Name) == "surname" || solid(f.Name) == "lastname"):
			family = i
		}
	}
	if given < 0 || family < 0 {
		return
	}
	for i, f := range fields {
		if i == given || i == family || f.Kind != KindPersonName && f.Kind != KindGivenName && f.Kind != KindFamilyName {
			continue
		}
		held, filled := 0, 0
		for _, row := range rows[:min(len(rows), guessRows)] {
			if max(i, given, family) >= len(row) || row[i] == "" {
				continue
			}
			filled++
			words := " " + plainWords(row[i]) + " "
			if strings.Contains(words, " "+plainWords(row[given])+" ") && strings.Contains(words, " "+plainWords(row[family])+" ") ||
				row[given] == "" || row[family] == "" {
				held++
			}
		}
		if held*5 >= filled*4 {
			fields[i].Kind = KindIgnore
		}
	}
}
