package match

import (
	"strings"

	"github.com/leadloop/leadloop/normalize"
)

// rowIDs are headers of what numbers the rows and says nothing about who they are.
var rowIDs = map[string]bool{
	"id": true, "recid": true, "rowid": true, "recordid": true, "uniqueid": true, "uuid": true, "guid": true, "key": true, "index": true, "row": true, "rownumber": true,
	"nr": true, "lfdnr": true, "truth": true, "groundtruth": true, "goldid": true, "trueid": true, "wahrheit": true, "cluster": true, "clusterid": true, "entity": true, "entityid": true, "leadid": true, "contactid": true, "source": true, "createdat": true, "updatedat": true,
	"created": true, "updated": true,
}

// guessRows is how many rows Guess looks at.
const guessRows = 2000

// Guess returns a field for each column of a table, with its kind guessed from the header and from the values of the first rows. Columns that
// number the rows, that are empty, and full names beside given and family name are ignored. It is a start for a human to correct.
func Guess(header []string, rows [][]string) []Field {
	fields := make([]Field, len(header))
	facts := make([]columnFacts, len(header))
	names := map[string]int{}
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if name == "" {
			name = "column"
		}
		names[name]++
		if n := names[name]; n > 1 {
			name += " " + string(rune('0'+min(n, 9)))
		}
		facts[i] = look(i, rows)
		fields[i] = Field{Name: name, Kind: guessKind(name, &facts[i])}
	}
	nameFamily(fields, facts)
	dropRedundant(fields, rows)
	return fields
}

// nameFamily decides about columns that are called a name and no more: "Nom" beside "Prénom" is the family name, "Nombre" beside "Apellidos" the
// given one, and alone it is what its values look like.
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
	}
}

// numbering holds if the values are whole numbers, none of them twice: those of rows, which only mislead.
func (f *columnFacts) numbering() bool {
	return f.filled >= leastNumbering && f.distinct == f.filled && f.whole == f.filled
}

const leastNumbering = 50

// named tells names of people from those of companies.
func (f *columnFacts) named() Kind {
	if f.meanWords() < 3.5 && (f.share(f.given) > 0.35 || f.share(f.turned) > 0.8 && f.share(f.legal) < 0.05) {
		return KindPersonName
	}
	return KindCompany
}

// guessKind decides by the values where they leave no doubt, then by the header, then by the values.
func guessKind(name string, f *columnFacts) Kind {
	key := solid(name)
	if rowIDs[key] || f.filled == 0 {
		return KindIgnore
	}
	if _, known := headerKind(name); !known && f.numbering() {
		return KindIgnore
	}
	if f.share(f.emails) > 0.6 {
		return KindEmail
	}
	kind, known := headerKind(name)
	switch {
	case !known && bareNames[key]:
		kind = f.named()
	case !known:
		kind = f.kind()
	case kind == KindTitle && f.meanWords() > 4.5:
		kind = KindText
	case kind == KindDate && f.share(f.dates) < 0.5, kind == KindPhone && f.share(f.phones) < 0.3, kind == KindNumber && f.share(f.numbers) < 0.5:
		kind = f.kind()
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

// headerKind looks for the longest run of words of a header that tells a kind, the last of equally long ones.
func headerKind(name string) (Kind, bool) {
	words := strings.Fields(plainWords(splitCamel(name)))
	var found Kind
	longest := 0
	for i := range words {
		var joined strings.Builder
		for _, w := range words[i:] {
			joined.WriteString(w)
			if k, ok := headerKinds[joined.String()]; ok && len(joined.String()) >= longest {
				found, longest = k, len(joined.String())
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

// columnFacts is what the values of a column look like.
type columnFacts struct {
	filled, distinct, words, letters                    int
	emails, domains, phones, dates, numbers, ids, given int
	whole                                               int // numbers without a fraction
	turned                                              int // "Adler, Anna"
	daysFirst, monthsFirst                              int // dates that can be read in one order only
	written, legal                                      int // phones with signs that group or prefix them, companies with a legal form
}

func (f *columnFacts) share(n int) float64 { return float64(n) / float64(max(f.filled, 1)) }

func (f *columnFacts) meanWords() float64 { return float64(f.words) / float64(max(f.filled, 1)) }

func look(col int, rows [][]string) columnFacts {
	var f columnFacts
	seen := map[string]bool{}
	for _, row := range rows[:min(len(rows), guessRows)] {
		if col >= len(row) {
			continue
		}
		v := strings.TrimSpace(cut(row[col]))
		if normalize.IsNull(v) {
			continue
		}
		f.filled++
		seen[v] = true
		words := strings.Fields(plainWords(v))
		f.words += len(words)
		digits, letters := 0, 0
		for i := 0; i < len(v); i++ {
			switch c := v[i]; {
			case isDigit(c):
				digits++
			case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80:
				letters++
			}
		}
		f.letters += letters
		if at := strings.IndexByte(v, '@'); at > 0 && strings.IndexByte(v[at:], '.') > 0 && len(words) < 8 {
			f.emails++
		}
		if _, err := normalize.Domain(v); err == nil && strings.IndexByte(v, '@') < 0 && !hasPath(v) {
			f.domains++
		}
		if w, ok := parseDate(v); ok {
			if y, m, d := w.read(false); y > 1000 && y < 2200 && m >= 1 && m <= 12 && d >= 1 && d <= 31 {
				f.dates++
			}
			switch {
			case w.loose && w.day <= 12 && w.month > 12:
				f.monthsFirst++
			case w.loose && w.day > 12 && w.month <= 12:
				f.daysFirst++
			}
		}
		if letters == 0 && digits >= 7 && digits <= 15 && strings.IndexByte(v, '.') < 0 {
			f.phones++
			if len(v) > digits {
				f.written++
			}
		}
		if len(words) > 1 && len(words) < 8 && normalize.Company(v).LegalForm != "" {
			f.legal++
		}
		if _, ok := wholeNumber(v); ok {
			f.whole++
		}
		if _, ok := wholeNumber(strings.Replace(v, ".", "", 1)); ok {
			f.numbers++
		}
		if len(words) == 1 && digits >= 3 && len(v) >= 5 {
			f.ids++
		}
		if len(words) > 0 && len(words) < 5 && normalize.Nicknames(words[0]) != nil {
			f.given++
		}
		if family, given, ok := strings.Cut(v, ", "); ok && letters+len(words) > len(v)*4/5 && strings.Count(family, " ")+strings.Count(given, " ") < 3 && strings.IndexByte(given, ',') < 0 {
			f.turned++
		}
	}
	f.distinct = len(seen)
	return f
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
	case f.distinct <= 60 && f.distinct*20 < f.filled:
		return KindCategory
	case f.share(f.legal) > 0.15:
		return KindCompany
	case f.share(f.ids) > 0.8:
		return KindID
	case f.share(f.numbers) > 0.8:
		return KindNumber
	case f.share(f.given) > 0.5 && f.meanWords() > 1.5 && f.meanWords() < 3.5:
		return KindPersonName
	}
	return KindText
}

// hasPath holds for addresses of one page of a site, which say more than the domain.
func hasPath(url string) bool {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		rest = url
	}
	_, path, _ := strings.Cut(rest, "/")
	return path != ""
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
