package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func readCSV(path string) (rows []map[string]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, record := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = strings.TrimSpace(record[i])
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// countryNames are the columns that name a country.
var countryNames = []string{
	"official_name_en", "official_name_fr", "official_name_es", "official_name_ru", "official_name_cn", "official_name_ar", "CLDR display name",
	"UNTERM English Short", "UNTERM French Short", "UNTERM Spanish Short", "UNTERM Russian Short", "UNTERM English Formal", "UNTERM French Formal",
	"UNTERM Spanish Formal", "ISO4217-currency_country_name",
}

// moreCountries are names in use that the sources lack, and codes that mean one country in practice. They win over the sources.
var moreCountries = map[string][]string{
	"AE": {"UAE", "U.A.E.", "Emirates", "Vereinigte Arabische Emirate"}, "AT": {"Oesterreich", "Autriche"}, "AU": {"Australien"},
	"BA": {"Bosnia"}, "BE": {"Belgien", "België", "Belgique"}, "BG": {"Bulgarien"}, "BO": {"Bolivia"}, "BR": {"Brasilien", "Brasil"},
	"CA": {"Kanada"}, "CD": {"DR Congo", "Congo-Kinshasa", "Democratic Republic of the Congo"}, "CG": {"Congo-Brazzaville", "Republic of the Congo"},
	"CH": {"Schweiz", "Suisse", "Svizzera", "Svizra"}, "CI": {"Ivory Coast", "Elfenbeinküste"}, "CN": {"China", "PRC", "PR China", "Mainland China"},
	"CV": {"Cape Verde"}, "CY": {"Zypern"}, "CZ": {"Czech Republic", "Czechia", "Tschechien", "Česko", "Česká republika"},
	"DE": {"BRD", "Federal Republic of Germany", "Bundesrepublik Deutschland"}, "DK": {"Dänemark"}, "EE": {"Estland"}, "EG": {"Ägypten"},
	"ES": {"Spanien", "España"}, "FI": {"Finnland", "Suomi"}, "FR": {"Frankreich", "France métropolitaine"},
	"GB": {
		"UK", "U.K.", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland", "United Kingdom", "Großbritannien",
		"Grossbritannien", "Vereinigtes Königreich", "Royaume-Uni", "Reino Unido", "Regno Unito",
	},
	"GR": {"EL", "Griechenland", "Hellas"}, "HK": {"Hong Kong", "Hongkong", "Hong Kong SAR"}, "HR": {"Kroatien"}, "HU": {"Ungarn"},
	"IE": {"Irland", "Republic of Ireland", "Éire"}, "IL": {"Israel"}, "IN": {"Indien", "Bharat"}, "IR": {"Iran"}, "IS": {"Island"}, "IT": {"Italien", "Italia"},
	"JP": {"Nippon"}, "KP": {"North Korea", "Nordkorea"}, "KR": {"South Korea", "Südkorea", "Korea", "Republic of Korea", "Corea del Sur"},
	"LA": {"Laos"}, "LT": {"Litauen"}, "LU": {"Luxemburg"}, "LV": {"Lettland"}, "MA": {"Marokko"}, "MD": {"Moldova", "Moldawien"}, "MK": {"Macedonia", "North Macedonia"},
	"MM": {"Burma", "Myanmar"}, "MO": {"Macau", "Macao"}, "MX": {"Mexiko", "México"}, "NL": {"Holland", "The Netherlands", "Netherlands", "Niederlande", "Pays-Bas", "Países Bajos"},
	"NO": {"Norwegen"}, "NZ": {"Neuseeland", "Aotearoa"}, "PH": {"Philippinen"}, "PL": {"Polen"}, "PS": {"Palestine"}, "RO": {"Rumänien"}, "RS": {"Serbien"},
	"RU": {"Russia", "Russland", "Russian Federation"}, "SA": {"Saudi-Arabien", "KSA"}, "SE": {"Schweden"}, "SI": {"Slowenien"}, "SK": {"Slowakei", "Slovakia"},
	"SY": {"Syria"}, "SZ": {"Swaziland", "Eswatini"}, "TR": {"Turkey", "Türkei", "Türkiye"}, "TW": {"Taiwan", "Taiwan, Province of China", "Taiwan ROC"},
	"TZ": {"Tanzania"}, "UA": {"Ukraine", "The Ukraine"},
	"US": {
		"USA", "U.S.", "U.S.A.", "United States", "United States of America", "The United States", "America", "Vereinigte Staaten",
		"Vereinigte Staaten von Amerika", "États-Unis", "Estados Unidos", "EE.UU.", "EEUU", "Stati Uniti", "États-Unis d'Amérique",
	},
	"VA": {"Vatican", "Vatican City"}, "VE": {"Venezuela"}, "VN": {"Vietnam", "Viet Nam"}, "XK": {"XK", "XKX", "Kosovo"}, "ZA": {"Südafrika", "RSA"},
}

// countries writes letter key to ISO 3166-1 alpha-2 code. A name that two countries share is left out.
func countries(src, out string) error {
	codes, err := readCSV(filepath.Join(src, "geo", "country-codes.csv"))
	if err != nil {
		return err
	}
	native, err := readCSV(filepath.Join(src, "geo", "countries.annexare.csv"))
	if err != nil {
		return err
	}
	fixed, names := map[string]string{}, map[string][]string{}
	name := func(name, iso2 string) {
		if key := letterKey(withoutArticle(name)); len(key) > 3 || len([]rune(key)) > 1 && len(key) != len([]rune(key)) {
			names[key] = append(names[key], iso2)
		}
	}
	for _, row := range codes {
		iso2 := row["ISO3166-1-Alpha-2"]
		if len(iso2) != 2 {
			return fmt.Errorf("country-codes.csv: row without a two-letter code")
		}
		numeric := row["ISO3166-1-numeric"]
		for _, code := range []string{iso2, row["ISO3166-1-Alpha-3"], strings.Repeat("0", max(0, 3-len(numeric))) + numeric} {
			fixed[letterKey(code)] = iso2
		}
		for _, column := range countryNames {
			name(row[column], iso2)
		}
	}
	for _, row := range native {
		name(row["Name"], row["Code"])
		name(row["Native"], row["Code"])
	}
	for iso2, list := range moreCountries {
		for _, n := range list {
			fixed[letterKey(n)] = iso2
		}
	}
	for key, owners := range names {
		slices.Sort(owners)
		if owners = slices.Compact(owners); len(owners) == 1 {
			if _, taken := fixed[key]; !taken {
				fixed[key] = owners[0]
			}
		}
	}
	return writeTable(out, "countries.txt", fixed)
}

// withoutArticle drops what the sources put in brackets behind a name: an article ("Bahamas (the)") or a remark.
func withoutArticle(name string) string {
	before, _, _ := strings.Cut(name, "(")
	return before
}

// ownZone names the zone that carries the country's own city, for countries that the source groups under a neighbour's zone.
var ownZone = map[string]string{
	"BA": "Europe/Sarajevo", "BH": "Asia/Bahrain", "DK": "Europe/Copenhagen", "GG": "Europe/Guernsey", "HR": "Europe/Zagreb", "IM": "Europe/Isle_of_Man",
	"IS": "Atlantic/Reykjavik", "JE": "Europe/Jersey", "KH": "Asia/Phnom_Penh", "KW": "Asia/Kuwait", "LA": "Asia/Vientiane", "LI": "Europe/Vaduz",
	"LU": "Europe/Luxembourg", "MC": "Europe/Monaco", "ME": "Europe/Podgorica", "MK": "Europe/Skopje", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
	"OM": "Asia/Muscat", "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "SM": "Europe/San_Marino", "VA": "Europe/Vatican",
	"YE": "Asia/Aden",
}

// primaryZone names the zone of countries that have several rows in the source, but where about 95 % of the people or more live by one clock.
var primaryZone = map[string]string{
	"AR": "America/Argentina/Buenos_Aires", "CL": "America/Santiago", "CN": "Asia/Shanghai", "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil",
	"ES": "Europe/Madrid", "KZ": "Asia/Almaty", "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PT": "Europe/Lisbon", "UA": "Europe/Kyiv",
	"UZ": "Asia/Tashkent", "VN": "Asia/Ho_Chi_Minh", "PS": "Asia/Hebron", "TH": "Asia/Bangkok",
}

// timezones writes country code to IANA zone, for countries where the country alone decides it.
func timezones(src, out string) error {
	lines, err := readLines(filepath.Join(src, "geo", "zone1970.tab"))
	if err != nil {
		return err
	}
	zones := map[string][]string{}
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		if len(fields) < 3 {
			return fmt.Errorf("zone1970.tab: row with %d columns, want 3 or more", len(fields))
		}
		for code := range strings.SplitSeq(fields[0], ",") {
			zones[code] = append(zones[code], fields[2])
		}
	}
	rows := map[string]string{}
	for code, list := range zones {
		if len(list) == 1 {
			rows[code] = list[0]
		}
	}
	for _, overlay := range []map[string]string{ownZone, primaryZone} {
		maps.Copy(rows, overlay)
	}
	return writeTable(out, "timezones.txt", rows)
}
