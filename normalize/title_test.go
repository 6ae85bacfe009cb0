package normalize

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTitle(t *testing.T) {
	for _, tt := range []struct {
		title      string
		seniority  Seniority
		department Department
	}{
		{"CEO", SeniorityCLevel, DepartmentExecutive},
		{"C.E.O.", SeniorityCLevel, DepartmentExecutive},
		{"Chief Executive Officer", SeniorityCLevel, DepartmentExecutive},
		{"Founder & CEO", SeniorityCLevel, DepartmentExecutive},
		{"Co-Founder", SeniorityOwner, DepartmentExecutive},
		{"Owner", SeniorityOwner, DepartmentExecutive},
		{"CFO", SeniorityCLevel, DepartmentFinance},
		{"Chief Marketing Officer", SeniorityCLevel, DepartmentMarketing},
		{"Chief Customer Happiness Officer", SeniorityCLevel, ""},
		{"CTO, Acme", SeniorityCLevel, DepartmentEngineering},
		{"Managing Director", SeniorityCLevel, DepartmentExecutive},
		{"President", SeniorityCLevel, DepartmentExecutive},
		{"Vice President", SeniorityVP, ""},
		{"VP Sales", SeniorityVP, DepartmentSales},
		{"V.P. of Sales", SeniorityVP, DepartmentSales},
		{"Senior Vice President, Marketing", SeniorityVP, DepartmentMarketing},
		{"EVP Finance", SeniorityVP, DepartmentFinance},
		{"Head of Engineering", SeniorityDirector, DepartmentEngineering},
		{"Director of Sales and Marketing", SeniorityDirector, DepartmentSales},
		{"Senior Director, IT Operations", SeniorityDirector, DepartmentIT},
		{"Chief of Staff", SeniorityDirector, DepartmentExecutive},
		{"Chief Engineer", SeniorityDirector, DepartmentEngineering},
		{"General Counsel", SeniorityDirector, DepartmentLegal},
		{"Sales Manager", SeniorityManager, DepartmentSales},
		{"Senior Sales Manager", SeniorityManager, DepartmentSales},
		{"Product Manager", SeniorityManager, DepartmentProduct},
		{"Product Marketing Manager", SeniorityManager, DepartmentMarketing},
		{"Customer Success Manager", SeniorityManager, DepartmentSupport},
		{"Office Manager", SeniorityManager, DepartmentAdministration},
		{"Manager, Office of the CEO", SeniorityManager, DepartmentAdministration},
		{"Senior Software Engineer", SenioritySenior, DepartmentEngineering},
		{"Lead Engineer", SenioritySenior, DepartmentEngineering},
		{"Team Lead Support", SeniorityManager, DepartmentSupport},
		{"Software Engineer @ Acme", SeniorityIndividual, DepartmentEngineering},
		{"Engineer at Director Labs", SeniorityIndividual, DepartmentEngineering},
		{"Account Executive", SeniorityIndividual, DepartmentSales},
		{"Product Owner", SeniorityIndividual, DepartmentProduct},
		{"HR Business Partner", SeniorityIndividual, DepartmentHR},
		{"Managing Partner", SeniorityOwner, DepartmentExecutive},
		{"Partner", SeniorityOwner, ""},
		{"Partner Manager", SeniorityManager, DepartmentSales},
		{"Legal Counsel", SeniorityIndividual, DepartmentLegal},
		{"Assistant to the CEO", SeniorityEntry, DepartmentAdministration},
		{"Executive Assistant to the CEO and Chairman", SeniorityEntry, DepartmentAdministration},
		{"CEO Assistant", SeniorityEntry, DepartmentAdministration},
		{"CEO's Office", "", DepartmentAdministration},
		{"Assistant Manager", SenioritySenior, DepartmentAdministration},
		{"Assistant Vice President", SeniorityVP, DepartmentAdministration},
		{"Junior Developer", SeniorityEntry, DepartmentEngineering},
		{"Marketing Trainee", SeniorityEntry, DepartmentMarketing},
		{"Intern", SeniorityIntern, ""},
		{"Marketing Manager Intern", SeniorityIntern, DepartmentMarketing},
		{"Internal Auditor", SeniorityIndividual, DepartmentFinance},
		{"Student", SeniorityStudent, ""},
		{"Student at MIT", SeniorityStudent, ""},
		{"PhD Student", SeniorityStudent, ""},
		{"Director of Student Affairs", SeniorityDirector, ""},
		{"Geschäftsführer", SeniorityCLevel, DepartmentExecutive},
		{"Geschäftsführerin", SeniorityCLevel, DepartmentExecutive},
		{"GESCHAEFTSFUEHRER", SeniorityCLevel, DepartmentExecutive},
		{"Assistentin der Geschäftsführung", SeniorityEntry, DepartmentAdministration},
		{"Leiter Vertrieb", SeniorityDirector, DepartmentSales},
		{"Leiterin der Buchhaltung", SeniorityDirector, DepartmentFinance},
		{"Teamleiter Einkauf", SeniorityManager, DepartmentProcurement},
		{"Inhaber", SeniorityOwner, DepartmentExecutive},
		{"Werkstudent Marketing", SeniorityIntern, DepartmentMarketing},
		{"Sachbearbeiterin Einkauf", SeniorityIndividual, DepartmentProcurement},
		{"Directeur commercial", SeniorityDirector, DepartmentSales},
		{"Directrice des ressources humaines", SeniorityDirector, DepartmentHR},
		{"Directeur adjoint", SeniorityDirector, ""},
		{"PDG", SeniorityCLevel, DepartmentExecutive},
		{"Président-Directeur Général", SeniorityCLevel, DepartmentExecutive},
		{"Responsable des achats", SeniorityManager, DepartmentProcurement},
		{"Assistante de direction", SeniorityEntry, DepartmentAdministration},
		{"Stagiaire marketing", SeniorityIntern, DepartmentMarketing},
		{"Jefe de ventas", SeniorityManager, DepartmentSales},
		{"Director general", SeniorityCLevel, DepartmentExecutive},
		{"Director de Recursos Humanos", SeniorityDirector, DepartmentHR},
		{"Ingeniera de software", SeniorityIndividual, DepartmentEngineering},
		{"Former CEO", "", ""},
		{"Advisor, ex-CTO", SeniorityIndividual, ""},
		{"Acting CEO", SeniorityCLevel, DepartmentExecutive},
		{"Wizard of Light Bulb Moments", "", ""},
		{"", "", ""},
	} {
		t.Run(tt.title, func(t *testing.T) {
			want := JobTitle{Display: tt.title, Seniority: tt.seniority, Department: tt.department}
			if diff := cmp.Diff(want, Title(tt.title)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTitlePhrasesAreFoldedShortEnoughAndInOneListOnly(t *testing.T) {
	checkPhrases(t, rankLists, maxRankWords)
	checkPhrases(t, departmentLists, maxDepartmentWords)
}

func checkPhrases[V ~string](t *testing.T, lists map[V]string, maxWords int) {
	t.Helper()
	seen := map[string]V{}
	for value, list := range lists {
		for phrase := range strings.SplitSeq(list, "|") {
			words := strings.Fields(phrase)
			phrase = strings.Join(words, " ")
			if other, twice := seen[phrase]; twice {
				t.Errorf("%q stands under both %s and %s", phrase, other, value)
			}
			seen[phrase] = value
			if len(words) == 0 || len(words) > maxWords {
				t.Errorf("%q has %d words, want 1 to %d", phrase, len(words), maxWords)
			}
			if got := strings.Join(wordsOf(Fold(phrase)), " "); got != phrase {
				t.Errorf("%q is not folded: %q", phrase, got)
			}
		}
	}
}
