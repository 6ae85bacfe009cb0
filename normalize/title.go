package normalize

import "strings"

// Seniority is the rank that a job title names. The zero value means that the title names none.
type Seniority string

// The ranks, highest first. Where a title names several ("Founder & CEO"), the highest counts.
const (
	SeniorityCLevel     Seniority = "c_level"    // chief officers, presidents, managing directors, Geschäftsführer, board members
	SeniorityOwner      Seniority = "owner"      // owners, founders, partners of a firm
	SeniorityVP         Seniority = "vp"         // vice presidents of every degree
	SeniorityDirector   Seniority = "director"   // directors, heads of something, chief of staff, Leiter
	SeniorityManager    Seniority = "manager"    // managers, supervisors, team leaders, responsables, jefes
	SenioritySenior     Seniority = "senior"     // senior, lead, principal and staff specialists
	SeniorityIndividual Seniority = "individual" // specialists without rank: engineers, consultants, representatives
	SeniorityEntry      Seniority = "entry"      // juniors, assistants, trainees
	SeniorityIntern     Seniority = "intern"     // interns, working students, apprentices
	SeniorityStudent    Seniority = "student"    // students
)

// Department is the function that a job title belongs to. The zero value means that the title names none.
type Department string

// The departments.
const (
	DepartmentSales          Department = "sales" // business development and account management too
	DepartmentMarketing      Department = "marketing"
	DepartmentEngineering    Department = "engineering" // software, hardware, data, research
	DepartmentFinance        Department = "finance"
	DepartmentHR             Department = "hr"
	DepartmentIT             Department = "it" // running systems, and information security
	DepartmentOperations     Department = "operations"
	DepartmentLegal          Department = "legal"
	DepartmentProduct        Department = "product" // design too
	DepartmentSupport        Department = "support" // customer success too
	DepartmentProcurement    Department = "procurement"
	DepartmentAdministration Department = "administration" // assistants, office management
	DepartmentExecutive      Department = "executive"      // general management, where no other function is named
)

// JobTitle is a job title read.
type JobTitle struct {
	Display    string // as given, as clean [Text]
	Seniority  Seniority
	Department Department
}

// Title reads seniority and department from a job title, by whole words, in English and the usual German, French and Spanish titles.
//
// A rank counts only for its holder: "Assistant to the CEO", "CEO's Office" and "Chief of Staff" are not c_level, "Product Owner" and "HR Business
// Partner" own nothing, and a Sales Manager Intern is an intern. What a functional head runs wins over executive: a CFO is in finance. Managing
// directors count as c_level, which fits companies but not banks. Any manager counts as manager, whether he leads people or accounts. A
// former title ("ex-CTO") counts for nothing.
func Title(s string) JobTitle {
	t := JobTitle{Display: Text(s)}
	best := -1
	for _, part := range titleParts(t.Display) {
		words := titleWords(part)
		if len(words) > 0 && formerWords[words[0]] {
			continue
		}
		head, cut := cutDependent(words)
		seniority := SeniorityEntry
		if !cut || !hasAny(head, helperWords) {
			seniority = rankOf(head)
		}
		if r := rankOrder[seniority]; seniority != "" && r > best {
			best, t.Seniority = r, seniority
		}
		t.Department = betterDepartment(t.Department, departmentOf(head))
	}
	return t
}

var rankOrder = map[Seniority]int{
	SeniorityStudent: 0, SeniorityIntern: 1, SeniorityEntry: 2, SeniorityIndividual: 3, SenioritySenior: 4, SeniorityManager: 5,
	SeniorityDirector: 6, SeniorityVP: 7, SeniorityOwner: 8, SeniorityCLevel: 9,
}

// betterDepartment prefers the first named one, and any other to executive and administration.
func betterDepartment(have, found Department) Department {
	weak := func(d Department) int {
		switch d {
		case "":
			return 3
		case DepartmentExecutive:
			return 2
		case DepartmentAdministration:
			return 1
		}
		return 0
	}
	if weak(found) < weak(have) {
		return found
	}
	return have
}

// titleParts splits what was put together as separate titles.
func titleParts(title string) []string {
	return strings.FieldsFunc(cutText(title), func(r rune) bool {
		switch r {
		case ',', '/', '|', ';', '(', ')', '[', ']', '–', '—', '•', '·', ':':
			return true
		}
		return false
	})
}

// titleWords returns the folded words of a title: "&" as and, dotted initials joined, what follows "at" or "@" (the employer) left out, gender
// marks and possessives dropped.
func titleWords(part string) []string {
	var words []string
	for field := range strings.FieldsSeq(strings.ReplaceAll(Fold(part), "&", " and ")) {
		if field == "-" {
			field = "and"
		}
		if strings.HasPrefix(field, "@") || len(words) > 0 && employerWords[field] {
			break
		}
		if isInitials(field) {
			words = append(words, letterKey(field))
			continue
		}
		if strings.HasSuffix(field, "'s") {
			continue // the CEO's office is not the CEO
		}
		words = append(words, wordsOf(strings.TrimSuffix(field, "*in"))...)
	}
	return words
}

var employerWords = wordSet("at bei chez @")

var assistantWords = wordSet(`assistant assistante asistente assistent assistentin assistenz secretary secretaire secretaria sekretar sekretarin
	sekretariat aide pa ea`)

// helperWords begin a title that goes on to name whom its holder helps.
var helperWords = wordSet(`assistant assistante asistente assistent assistentin assistenz secretary secretaire secretaria sekretar sekretarin
	sekretariat aide pa ea referent referentin adjoint adjointe`)

// formerWords begin a title that its holder has no longer.
var formerWords = wordSet("former formerly ex retired past previous previously ehemaliger ehemalige ehem ancien ancienne antiguo antigua")

// cutDependent cuts a title where it begins to name whom its holder works for: "assistant | to the ceo", "manager | office of the ceo". cut says
// that it did.
func cutDependent(words []string) (head []string, cut bool) {
	for i, word := range words {
		if i == 0 {
			continue
		}
		switch {
		case word == "to", word == "reporting", word == "an" && i+1 < len(words) && words[i+1] == "die":
			return words[:i], true
		case (helperWords[words[0]] || helperWords[words[i-1]]) && dependentWords[word]:
			return words[:i], true
		case word == "of" && words[i-1] == "office":
			return words[:i], true
		}
	}
	return words, false
}

var dependentWords = wordSet("of for der des du de del von fur zum zur au aux")

func hasAny(words []string, set map[string]bool) bool {
	for _, w := range words {
		if set[w] {
			return true
		}
	}
	return false
}

// rankOf returns the rank that the words name, the highest of several, with the exceptions for juniors, assistants, interns and students.
func rankOf(words []string) Seniority {
	text := joinWords(words)
	best := Seniority("")
	var low Seniority
	rankBehindAssistant, assistant := false, false
	for i := 0; i < len(words); {
		n, rank := longestRank(text, i)
		if n == 0 {
			i++
			continue
		}
		word := words[i]
		switch {
		case notHeld(words, i, n, rank):
			rank = SeniorityIndividual
		case rank == SeniorityStudent && i+n < len(words) && !studyWords[words[i+n]]:
			rank = "" // "student advisor" is none
		case rank == SeniorityIntern, rank == SeniorityStudent:
			if low == "" || low == SeniorityStudent {
				low = rank
			}
		case rank == SeniorityEntry && assistantWords[word]:
			assistant = true
		case rank == SeniorityEntry:
			if low == "" {
				low = SeniorityEntry
			}
		}
		if assistant && rankOrder[rank] >= rankOrder[SeniorityManager] && i > 0 {
			rankBehindAssistant = words[0] == "assistant" || words[i-1] == "assistant"
		}
		if rank != "" && (best == "" || rankOrder[rank] > rankOrder[best]) {
			best = rank
		}
		i += n
	}
	switch {
	case low == SeniorityIntern || low == SeniorityStudent:
		return low
	case low == SeniorityEntry && rankOrder[best] <= rankOrder[SeniorityManager]:
		return low
	case assistant && rankBehindAssistant:
		return oneBelow(best)
	case assistant:
		return SeniorityEntry
	}
	return best
}

// oneBelow is the rank of an assistant director: a manager.
func oneBelow(s Seniority) Seniority {
	switch s {
	case SeniorityVP:
		return SeniorityDirector
	case SeniorityDirector:
		return SeniorityManager
	case SeniorityManager:
		return SenioritySenior
	}
	return SeniorityEntry
}

// notHeld holds for rank words that qualify a thing: product owner, business partner, president's club.
func notHeld(words []string, i, n int, rank Seniority) bool {
	if rank != SeniorityOwner {
		return false
	}
	last := i+n == len(words)
	switch words[i] {
	case "owner", "owners":
		return i > 0 && thingWords[words[i-1]]
	case "partner":
		return i > 0 && thingWords[words[i-1]] || !last && !connectors[words[i+n]]
	}
	return false
}

var thingWords = wordSet(`product process data service system platform solution business channel delivery alliance alliances hr people talent client
	customer account technology technical finance marketing sales strategic training api application risk control`)

var connectors = wordSet("and of in und et y for with")

var studyWords = wordSet("of in at an der bei de en and und")

// wordText is words joined by blanks, of which any run of words can be taken without a copy.
type wordText struct {
	words  []string
	text   string
	starts []int
}

func joinWords(words []string) wordText {
	t := wordText{words: words, text: strings.Join(words, " "), starts: make([]int, len(words))}
	at := 0
	for i, w := range words {
		t.starts[i] = at
		at += len(w) + 1
	}
	return t
}

// run returns the n words from i on.
func (t wordText) run(i, n int) string {
	last := i + n - 1
	return t.text[t.starts[i] : t.starts[last]+len(t.words[last])]
}

// longestRank returns the rank that the longest phrase at word i names, and its number of words.
func longestRank(t wordText, i int) (int, Seniority) {
	left := len(t.words) - i
	for n := min(left, maxRankWords); n > 0; n-- {
		if rank, ok := rankPhrases[t.run(i, n)]; ok {
			return n, rank
		}
	}
	if t.words[i] == "chief" {
		for n := 2; n <= min(left, 6); n++ {
			if t.words[i+n-1] == "officer" {
				return n, SeniorityCLevel
			}
		}
		return 1, SeniorityDirector // chief engineer, chief accountant
	}
	return 0, ""
}

// departmentOf returns the department that the words name: a functional one before executive and administration, then the first.
func departmentOf(words []string) Department {
	t := joinWords(words)
	var found Department
	for i := 0; i < len(words); {
		n := min(len(words)-i, maxDepartmentWords)
		for ; n > 0; n-- {
			if d, ok := departmentPhrases[t.run(i, n)]; ok {
				found = betterDepartment(found, d)
				break
			}
		}
		i += max(n, 1)
	}
	return found
}
