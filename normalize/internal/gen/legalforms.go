package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

type orgType struct {
	Display string   `yaml:"display"`
	Compare string   `yaml:"compare"`
	Generic string   `yaml:"generic"`
	Aliases []string `yaml:"aliases"`
}

// Kinds of organisation whose words are part of the name rather than a legal form ("... Foundation", state institutions), left out except for
// the forms in keptForms.
var droppedGenerics = []string{"NGO", "REL", "FIN", "SOE", "COOP", "JV"}

var keptForms = []string{"e.V.", "CIC", "ASBL", "vzw", "AöR", "KdöR", "SICAV", "eG", "VVaG", "EEIG", "cvba", "ek. för.", "ry"}

// droppedAliases are ordinary words, or abbreviations that names end in more often than companies of that form do.
var droppedAliases = []string{
	"Verein", "eingetragene Vereinigung", "Genossenschaft", "Partnerschaft", "limited by guarantee", "limited by shares", "Private Enterprise",
	"Limite", "public sector enterprise", "public sector undertaking", "stille gesellschaft", "Comandita Simple", "limited ortaklık",
	"firma", "pmc", "ЧВК", "No Liability", "ДОУ", "ПОПРЗ", "ОЮЛ", "НЦ", "Kfm.", "Kfr.", "Compañía por Acciones", "drustvo", "s-ie", "с-ие", "unlimited",
}

// shortForms are the only forms of one or two letters: shorter strings are too often part of a name.
var shortForms = []string{
	"ag", "sa", "se", "nv", "bv", "ab", "as", "oy", "kg", "co", "lp", "kk", "gk", "ug", "og", "ek", "ev", "eg", "cv", "ad", "dd", "sl", "ou", "pt",
	"ао", "ад", "αε", "სს", "有限",
}

// droppedForms are three-letter keys that are common words, initials or acronyms.
var droppedForms = []string{
	"abv", "anl", "cia", "cpa", "cso", "esv", "fie", "fze", "gie", "huf", "htx", "jtd", "lda", "mob", "ngo", "npo", "oaj", "oeg", "ong", "opg", "ops",
	"pse", "psu", "qmj", "sad", "sce", "scc", "sem", "sgr", "snt", "spf", "spd", "vog", "vos", "yoaj", "ptbk", "sti", "aat", "ilp", "kda", "zat", "eirl",
}

// canonical are the spellings shown for forms whose source entry has none, or an unusual one.
var canonical = map[string]string{
	"oy": "Oy", "oyj": "Oyj", "oü": "OÜ", "bhd": "Bhd", "cía": "Cía", "co ltd": "Co Ltd", "S.E.": "SE", "Hf.": "hf.", "d.d.": "d.d.", "vof": "VOF",
	"SCS": "SCS", "pt": "PT", "pt tbk": "PT Tbk", "og": "OG", "scop": "SCOP", "e.G.": "eG", "cv": "CV", "cva": "CVA", "snc": "SNC", "sapa": "SApA",
	"sro": "s.r.o.", "ood": "OOD", "ae": "AE", "yk": "YK", "ry": "ry", "SPA": "SpA", "ky": "Ky", "kb": "KB", "bvba": "BVBA", "cvba": "CVBA",
}

// forms holds what the source lacks, and the form to show where several source entries share an alias. Display form to aliases.
var forms = map[string][]string{
	"Inc":           {"Inc", "Inc.", "Incorporated", "Incorporation"},
	"Corp":          {"Corp", "Corp.", "Corporation"},
	"Co":            {"Co", "Co.", "Company", "and Company", "and Co", "& Co", "& Cie", "et Cie", "und Co", "& Compagnie", "et Compagnie"},
	"Ltd":           {"Ltd", "Ltd.", "Limited", "Private Company Limited by Shares"},
	"Co Ltd":        {"Co Ltd", "Company Limited", "Co., Ltd.", "Company Ltd", "Corporation Ltd", "Corporation Limited", "Co Limited"},
	"LLC":           {"LLC", "L.L.C.", "Limited Liability Company", "Limited Company", "LC"},
	"PLLC":          {"PLLC", "P.L.L.C."},
	"LLP":           {"LLP", "L.L.P.", "Limited Liability Partnership"},
	"LP":            {"LP", "L.P."},
	"PLC":           {"PLC", "P.L.C.", "Public Limited Company"},
	"Pty Ltd":       {"Pty Ltd", "Pty Limited", "Proprietary Limited", "Pty"},
	"Pte Ltd":       {"Pte Ltd", "Pte Limited", "Pte", "Private Limited Singapore"},
	"Pvt Ltd":       {"Pvt Ltd", "Private Limited", "Private Ltd", "Pvt Limited", "(P) Ltd", "P Ltd"},
	"Sdn Bhd":       {"Sdn Bhd", "Sendirian Berhad"},
	"Bhd":           {"Bhd", "Berhad"},
	"GmbH":          {"GmbH", "G.m.b.H.", "mbH"},
	"AG":            {"AG"},
	"KG":            {"KG"},
	"SE":            {"SE"},
	"SA":            {"SA", "S.A.", "S/A"},
	"SAS":           {"SAS", "S.A.S.", "SASU", "société par actions simplifiée unipersonnelle"},
	"SARL":          {"SARL", "S.à r.l.", "Sàrl"},
	"SL":            {"SL", "S.L.", "Sociedad Limitada"},
	"SLU":           {"SLU", "S.L.U.", "Sociedad Limitada Unipersonal"},
	"SAU":           {"SAU", "S.A.U."},
	"SpA":           {"SpA", "S.p.A.", "Società per Azioni"},
	"SRL":           {"SRL", "S.R.L.", "SRLS"},
	"Ltda":          {"Ltda", "Ltda.", "Limitada", "Lda"},
	"BV":            {"BV", "B.V."},
	"NV":            {"NV", "N.V."},
	"AB":            {"AB", "Aktiebolag", "AB (publ)"},
	"AS":            {"AS", "A/S", "A.S.", "A.Ş."},
	"ASA":           {"ASA", "allmennaksjeselskap"},
	"ApS":           {"ApS"},
	"Oy":            {"Oy", "Oy Ab"},
	"Oyj":           {"Oyj", "Oyj Abp"},
	"Abp":           {"Abp"},
	"OÜ":            {"OÜ"},
	"UAB":           {"UAB"},
	"SIA":           {"SIA"},
	"Kft.":          {"Kft"},
	"Zrt.":          {"Zrt"},
	"Nyrt.":         {"Nyrt"},
	"Sp. z o.o.":    {"Sp. z o.o.", "Sp zoo", "spółka z ograniczoną odpowiedzialnością", "spółka z o.o.", "Sp. z o. o. sp. k.", "sp. z o.o. sp.k."},
	"Sp. k.":        {"Sp. k.", "spółka komandytowa"},
	"Sp. j.":        {"Sp. j.", "spółka jawna"},
	"s.r.o.":        {"s.r.o.", "spol. s r.o."},
	"a.s.":          {"akciová společnost"},
	"d.o.o.":        {"d.o.o."},
	"EOOD":          {"EOOD"},
	"OOD":           {"OOD"},
	"Ltd Şti":       {"Ltd Şti", "Limited Şirketi"},
	"株式会社":          {"株式会社", "Kabushiki Kaisha", "Kabushiki Gaisha", "KK"},
	"合同会社":          {"合同会社", "Godo Kaisha", "GK"},
	"有限会社":          {"有限会社"},
	"有限公司":          {"有限公司", "有限责任公司", "有限責任公司"},
	"股份有限公司":        {"股份有限公司"},
	"주식회사":          {"주식회사"},
	"유한회사":          {"유한회사"},
	"ООО":           {"ООО", "Общество с ограниченной ответственностью"},
	"АО":            {"АО", "Акционерное общество"},
	"ПАО":           {"ПАО"},
	"ЗАО":           {"ЗАО"},
	"ОАО":           {"ОАО"},
	"ТОВ":           {"ТОВ"},
	"ИП":            {"Индивидуальный предприниматель"},
	"ΑΕ":            {"Α.Ε.", "ΑΕ", "Ανώνυμη Εταιρεία"},
	"ΕΠΕ":           {"Ε.Π.Ε.", "ΕΠΕ"},
	"PT":            {"PT"},
	"PT Tbk":        {"Tbk"},
	"DMCC":          {"DMCC"},
	"FZ-LLC":        {"FZ-LLC", "FZCO", "FZE"},
	"JSC":           {"JSC"},
	"PJSC":          {"PJSC"},
	"CJSC":          {"CJSC"},
	"OJSC":          {"OJSC"},
	"e.K.":          {"e.K."},
	"GbR":           {"GbR"},
	"OHG":           {"OHG"},
	"KGaA":          {"KGaA"},
	"UG":            {"UG", "UG (haftungsbeschränkt)", "UG haftungsbeschraenkt"},
	"GmbH & Co. KG": {"GmbH & Co. KG", "GmbH + Co. KG", "GmbH Co KG"},
	"SA de CV":      {"SA de CV"},
	"EURL":          {"EURL"},
	"SNC":           {"SNC", "S.N.C."},
	"SCOP":          {"SCOP"},
	"ULC":           {"ULC", "Unlimited Liability Company", "Unlimited Company"},
	"CIC":           {"CIC"},
	"בע\"מ":         {"בע\"מ", "בע״מ"},
	"ش.م.م":         {"ش.م.م", "ذ.م.م"},
	"จำกัด":         {"จำกัด", "จำกัด (มหาชน)"},
}

// maxFormRunes leaves out spelled-out forms of state bodies and garbled registry entries.
const maxFormRunes = 60

func legalForms(src, out string) error {
	b, err := os.ReadFile(filepath.Join(src, "company-names", "org_types.yml"))
	if err != nil {
		return err
	}
	var file struct {
		Types []orgType `yaml:"types"`
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		return err
	}
	rows := map[string]string{}
	for display, aliases := range forms {
		for _, alias := range aliases {
			rows[letterKey(andWord(alias))] = display
		}
	}
	dropped := map[string]bool{}
	for _, alias := range append(droppedAliases, droppedForms...) {
		dropped[letterKey(alias)] = true
	}
	for _, t := range file.Types {
		if slices.Contains(droppedGenerics, t.Generic) && !slices.Contains(keptForms, t.Display) {
			continue
		}
		display := t.Display
		if display == "" {
			display = t.Compare
		}
		aliases := t.Aliases
		if display == "" {
			display = aliases[0]
		} else {
			aliases = append([]string{t.Display}, aliases...)
		}
		if c, ok := canonical[display]; ok {
			display = c
		}
		for _, alias := range aliases {
			key := letterKey(andWord(alias))
			if _, taken := rows[key]; !taken && !dropped[key] && isFormKey(key) {
				rows[key] = display
			}
		}
	}
	return writeTable(out, "legal_forms.txt", rows)
}

// andWord writes the ampersand as the word that package normalize compares by.
func andWord(s string) string {
	return strings.NewReplacer("&", " and ", "+", " and ", " und ", " and ", " u. ", " and ", " et ", " and ", " y ", " and ").Replace(s)
}

func isFormKey(key string) bool {
	n := utf8.RuneCountInString(key)
	if n < 2 || n > maxFormRunes {
		return false
	}
	r, _ := utf8.DecodeRuneInString(key)
	if n < 3 && (unicode.Is(unicode.Latin, r) || unicode.Is(unicode.Cyrillic, r)) {
		return slices.Contains(shortForms, key)
	}
	return true
}
