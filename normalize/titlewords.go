package normalize

import "strings"

const (
	maxRankWords       = 5
	maxDepartmentWords = 4
)

var (
	rankPhrases       = phraseMap(rankLists)
	departmentPhrases = phraseMap(departmentLists)
)

// rankLists holds phrases of folded words, separated by bars, and departmentLists likewise. The longest phrase at a place wins, so that "vice
// president" is never also a president. A phrase stands in one list only.
var rankLists = map[Seniority]string{
	SeniorityCLevel: `ceo|cfo|cto|cio|coo|cmo|cro|cpo|chro|ciso|cso|cdo|clo|cco|cao|cpto|cxo|co ceo|chief executive|president|presidente|presidenta|chairman|
		chairwoman|chairperson|chair|vice chairman|vice chair|managing director|board member|member of the board|member of the executive board|
		member of the management board|geschaftsfuhrer|geschaftsfuhrerin|geschaeftsfuehrer|geschaeftsfuehrerin|geschaftsfuhrung|geschaftsleitung|
		geschaftsfuhrender gesellschafter|geschaftsfuhrende gesellschafterin|vorstand|vorstandin|vorstandsvorsitzender|vorstandsvorsitzende|
		vorstandsmitglied|mitglied des vorstands|mitglied der geschaftsleitung|mitglied der geschaftsfuhrung|pdg|president directeur general|
		presidente directrice generale|directeur general|directrice generale|president directeur|gerant|gerante|director general|directora general|
		director ejecutivo|directora ejecutiva|consejero delegado|consejera delegada|gerente general|administrateur delegue|amministratore delegato|
		direttore generale|bestuurder|presidente del consejo`,
	SeniorityOwner: `owner|co owner|owners|business owner|founder|co founder|cofounder|founding partner|proprietor|partner|managing partner|
		general partner|senior partner|inhaber|inhaberin|grunder|grunderin|gruender|gruenderin|mitgrunder|mitgrunderin|gesellschafter|
		gesellschafterin|fondateur|fondatrice|cofondateur|cofondatrice|co fondateur|co fondatrice|proprietaire|fundador|fundadora|cofundador|
		cofundadora|dueno|duena|propietario|propietaria|socio|socia|socio director|associe|associe gerant|entrepreneur|unternehmer|unternehmerin|
		freelance owner|self employed|selbststandig|principal owner|titolare`,
	SeniorityVP: `vp|svp|evp|avp|rvp|gvp|vice president|vicepresident|senior vice president|executive vice president|assistant vice president|associate vice president|
		regional vice president|group vice president|vice presidente|vice presidenta|vicepresidente|vicepresidenta|vice presidents|senior vp|executive vp`,
	SeniorityDirector: `director|directors|directeur|directrice|directora|direktor|direktorin|direttore|head|global head|chief of staff|head of|leiter|leiterin|
		bereichsleiter|bereichsleiterin|abteilungsleiter|abteilungsleiterin|vertriebsleiter|vertriebsleiterin|marketingleiter|marketingleiterin|
		personalleiter|personalleiterin|finanzleiter|finanzleiterin|entwicklungsleiter|einkaufsleiter|einkaufsleiterin|it leiter|werksleiter|
		niederlassungsleiter|betriebsleiter|produktionsleiter|kaufmannischer leiter|prokurist|prokuristin|general manager|country manager|gm|dg|daf|drh|dsi|dircom|
		executive director|dean|principal investigator|vicedirector|subdirector|subdirectora|leitung|general counsel|company secretary|
		corporate secretary|vertriebsleitung|marketingleitung|personalleitung|treasurer|controller in chief|editor in chief`,
	SeniorityManager: `manager|managers|managerin|mgr|supervisor|superintendent|foreman|team lead|team leader|teamlead|teamleader|teamleiter|teamleiterin|gruppenleiter|
		gruppenleiterin|projektleiter|projektleiterin|filialleiter|filialleiterin|responsable|jefe|jefa|gerente|chef de|chef|chef d equipe|encargado|encargada|
		coordinador|coordinadora|referatsleiter|produktmanager|produktmanagerin|administrator in chief|group lead|squad lead|gestionnaire|
		responsabile|kundenbetreuer in leitung|chef de projet|chef de produit`,
	SenioritySenior: `senior|sr|snr|lead|principal|staff engineer|staff software engineer|senior staff|staff scientist|tech lead|technical lead|expert|distinguished|fellow|leitender|leitende|confirme|
		chief engineer in residence|sachgebietsleiter|specialist lead|architect|architekt|architecte|arquitecto|professor|prof`,
	SeniorityIndividual: `engineer|developer|analyst|consultant|specialist|representative|rep|associate|account executive|sales executive|marketing executive|executive|
		advisor|adviser|agent|officer|administrator|designer|scientist|researcher|accountant|bookkeeper|buyer|recruiter|programmer|technician|
		coordinator|strategist|planner|editor|writer|copywriter|auditor|controller|lawyer|attorney|counsel|paralegal|teacher|nurse|operator|clerk|
		generalist|sdr|bdr|ae|hrbp|entwickler|entwicklerin|berater|beraterin|sachbearbeiter|sachbearbeiterin|mitarbeiter|mitarbeiterin|ingenieur|ingenieurin|
		ingenieure|informatiker|informatikerin|verkaufer|verkauferin|einkaufer|einkauferin|buchhalter|buchhalterin|referent|referentin|techniker|technikerin|
		commercial|commerciale|conseiller|conseillere|charge|chargee|developpeur|developpeuse|comptable|acheteur|acheteuse|technicien|technicienne|
		ingeniero|ingeniera|desarrollador|desarrolladora|consultor|consultora|vendedor|vendedora|comercial|contable|tecnico|tecnica|analista|comprador|
		compradora|abogado|abogada|especialista|freelancer|freelance|contractor|redakteur|redakteurin|scrum master|product owner|kundenbetreuer|
		kundenbetreuerin|aussendienst|aussendienstmitarbeiter|vertriebsmitarbeiter|vertriebsmitarbeiterin|vertriebler|marketer|evangelist`,
	SeniorityEntry: `junior|jr|jnr|entry level|graduate|trainee|assistant|assistante|asistente|assistent|assistentin|assistenz|secretary|secretaire|secretaria|
		sekretar|sekretarin|sekretariat|aide|pa|ea|executive assistant|personal assistant|administrative assistant|apprentie manager|receptionist|empfang|
		berufseinsteiger|auxiliar|office assistant|volontar|volontarin|management trainee|debutant`,
	SeniorityIntern: `intern|internship|interns|praktikant|praktikantin|praktikum|werkstudent|werkstudentin|working student|student intern|student assistant|
		stagiaire|alternant|alternante|apprenti|apprentie|apprentice|becario|becaria|practicante|azubi|auszubildender|auszubildende|co op student|
		tirocinante|stagista|pasante`,
	SeniorityStudent: `student|students|studentin|studierende|etudiant|etudiante|estudiante|phd student|doktorand|doktorandin|phd candidate|undergraduate|schuler|
		schulerin|studente`,
}

var departmentLists = map[Department]string{
	"": `vice president|vice presidente|vice presidenta|vice chairman`, // ranks whose words would name a department
	DepartmentSales: `sales|sales operations|sales ops|sales engineer|sales engineering|sales development|sales enablement|revenue|revenue operations|revops|cro|
		business development|account executive|account manager|account management|key account|key account manager|account director|sdr|bdr|ae|presales|
		pre sales|chief revenue|chief revenue officer|chief commercial officer|chief sales officer|vertrieb|vertriebs|vertriebsleiter|vertriebsleiterin|vertriebsleitung|vertriebsmitarbeiter|vertriebsmitarbeiterin|
		vertriebler|verkauf|verkaufer|verkauferin|verkaufsleiter|verkaufsleiterin|aussendienst|aussendienstmitarbeiter|commercial|commerciale|vente|ventes|
		ventas|comercial|vendedor|vendedora|charge d affaires|vendite|partnerships|channel|alliances|partner manager|channel partner|kundenbetreuer|kundenbetreuerin|commercial director`,
	DepartmentMarketing: `marketing|marketing operations|product marketing|growth marketing|digital marketing|cmo|chief marketing officer|marketer|growth|demand generation|
		demand gen|brand|branding|communications|communication|communicacion|comunicacion|pr|public relations|content|seo|social media|dircom|marketingleiter|
		marketingleiterin|marketingleitung|kommunikation|offentlichkeitsarbeit|mercadotecnia|copywriter|field marketing|sales and marketing operations|event|events|
		press|media relations|evangelist|advertising`,
	DepartmentEngineering: `engineering|engineer|software engineer|software development|developer|development engineer|entwickler|entwicklerin|entwicklung|
		entwicklungsleiter|developpeur|developpeuse|developpement logiciel|ingenieur|ingenieurin|ingenieure|ingeniero|ingeniera|ingenieria|desarrollo de software|
		desarrollador|desarrolladora|cto|chief technology officer|chief technical officer|chief scientist|technology|technical director|tech lead|r and d|rd|research|
		research and development|data science|data scientist|data engineer|data engineering|data analytics|machine learning|ai|architect|software architect|
		programmer|qa|quality assurance|devops|platform engineering|forschung|forschung und entwicklung|recherche et developpement|investigacion y desarrollo|
		technik|technischer leiter|directeur technique|director tecnico|chief data officer|data|cdo|web developer|scientist|cpto`,
	DepartmentFinance: `finance|financial|finances|financier|financiere|financiero|financiera|finanzen|finanz|finanzleiter|finanzleiterin|finanzas|cfo|chief financial officer|
		chief finance officer|accounting|accountant|accounts payable|accounts receivable|bookkeeper|controller|controlling|treasury|treasurer|tax|audit|auditor|buchhaltung|
		buchhalter|buchhalterin|rechnungswesen|comptable|comptabilite|contable|contabilidad|daf|kaufmannischer leiter|fp and a|fpa|billing|payroll accountant|investor relations|
		administratif et financier|steuern`,
	DepartmentHR: `hr|human resources|human resource|people|people operations|people ops|people and culture|talent|talent acquisition|recruiting|recruiter|recruitment|chro|
		chief human resources officer|chief people officer|personal|personalleiter|personalleiterin|personalleitung|personalwesen|personalabteilung|personalreferent|
		personalreferentin|ressources humaines|rh|drh|recursos humanos|rrhh|learning and development|compensation|compensation and benefits|payroll|hrbp|hr business partner|
		employee experience|risorse umane|formation`,
	DepartmentIT: `it|information technology|information systems|ict|cio|chief information officer|ciso|chief information security officer|chief security officer|information security|
		cyber security|cybersecurity|it security|it support|it operations|system administrator|systems administrator|sysadmin|network|infrastructure|network engineer|
		systems engineer|dsi|systemes d information|informatique|informatica|informatik|informatiker|informatikerin|edv|systemadministrator|it leiter|database administrator|
		dba|chief digital officer|digital transformation|help desk|helpdesk|sistemas|security engineer|it manager|it director|tecnologias de la informacion`,
	DepartmentOperations: `operations|ops|operational|coo|chief operating officer|chief operations officer|supply chain|logistics|logistik|logistique|logistica|production|produktion|
		produktionsleiter|produccion|manufacturing|fertigung|plant|plant manager|werksleiter|warehouse|fulfillment|quality|qualitat|quality manager|facilities|facility|
		project manager|projektleiter|projektleiterin|project management|program manager|pmo|chef de projet|operaciones|betriebsleiter|betrieb|exploitation|
		process|lean|lager|business operations|fleet|transport`,
	DepartmentLegal: `legal|legal counsel|counsel|general counsel|lawyer|attorney|paralegal|clo|chief legal officer|compliance|recht|rechts|rechtsanwalt|rechtsanwaltin|
		rechtsabteilung|justiziar|juriste|juridique|avocat|avocate|abogado|abogada|juridico|juridica|datenschutz|datenschutzbeauftragter|data protection|
		data protection officer|dpo|privacy|contracts|company secretary|corporate secretary|chief compliance officer|legale`,
	DepartmentProduct: `product|products|product manager|product management|product owner|product designer|product design|chief product officer|cpo|chief product|produkt|produktmanager|
		produktmanagerin|produktmanagement|produit|chef de produit|producto|design|designer|ux|ui|ux designer|ui designer|user experience|prodotto|
		product development|product lead|chief design officer`,
	DepartmentSupport: `support|customer support|customer service|customer success|customer success manager|customer care|customer experience|client success|client services|
		technical support|support engineer|kundenservice|kundendienst|kundensupport|service client|relation client|atencion al cliente|service desk|servicio al cliente|
		chief customer officer|customer operations|after sales|assistenza clienti`,
	DepartmentProcurement: `procurement|purchasing|purchase|buyer|buying|sourcing|strategic sourcing|category manager|einkauf|einkaufer|einkauferin|einkaufsleiter|einkaufsleiterin|
		achats|achat|acheteur|acheteuse|compras|comprador|compradora|chief procurement officer|acquisti|vendor management|beschaffung`,
	DepartmentAdministration: `administration|administrative|office manager|office management|office|assistant|assistante|asistente|assistent|assistentin|assistenz|assistante de direction|
		executive assistant|personal assistant|pa|ea|secretary|secretaire|secretaria|sekretarin|sekretariat|receptionist|verwaltung|empfang|administracion|
		clerk|facilities coordinator`,
	DepartmentExecutive: `ceo|co ceo|chief executive|chief executive officer|president|presidente|presidenta|chairman|chairwoman|chairperson|chair|managing director|general manager|
		country manager|founder|co founder|cofounder|owner|co owner|business owner|proprietor|managing partner|founding partner|executive director|board|board member|member of the board|
		geschaftsfuhrer|geschaftsfuhrerin|geschaeftsfuehrer|geschaeftsfuehrerin|geschaftsfuhrung|geschaftsleitung|geschaftsfuhrender|inhaber|inhaberin|grunder|grunderin|vorstand|vorstandin|
		vorstandsvorsitzender|vorstandsvorsitzende|vorstandsmitglied|pdg|directeur general|directrice generale|gerant|gerante|director general|directora general|director ejecutivo|directora ejecutiva|
		consejero delegado|consejera delegada|gerente general|fondateur|fondatrice|fundador|fundadora|propietario|propietaria|dueno|duena|dg|gm|
		chief of staff|entrepreneur|unternehmer|unternehmerin|amministratore delegato|direttore generale|gesellschafter|gesellschafterin`,
}

// phraseMap turns lists of phrases separated by bars into a look-up from phrase to value.
func phraseMap[V ~string](lists map[V]string) map[string]V {
	phrases := map[string]V{}
	for value, list := range lists {
		for phrase := range strings.SplitSeq(list, "|") {
			phrases[strings.Join(strings.Fields(phrase), " ")] = value
		}
	}
	return phrases
}
