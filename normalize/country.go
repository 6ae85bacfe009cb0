package normalize

import (
	_ "embed"
	"strings"
)

//go:embed data/countries.txt
var countries table

//go:embed data/timezones.txt
var timezones table

// Country returns the ISO 3166-1 alpha-2 code of a country given as two-letter, three-letter or three-digit code, as name in English, French,
// Spanish, Russian, Chinese, Arabic or the country's own language, or as common German name or usual short form ("UK", "USA", "Holland"). A
// name that two countries share is not ok. "XK" stands for Kosovo.
func Country(s string) (iso2 string, ok bool) {
	var room [plainBytes]byte
	if plain, ok := plainKey(&room, s); ok && string(plain) != "na" {
		if iso2, ok := countries.lookup(string(plain)); ok { // without a copy
			return iso2, true
		}
	}
	key := letterKey(s)
	if key == "na" && len(Text(s)) > 2 { // "n/a" is not Namibia
		return "", false
	}
	if iso2, ok := countries.lookup(key); ok {
		return iso2, true
	}
	if rest, ok := strings.CutPrefix(key, "the"); ok && len(rest) > 3 {
		return countries.lookup(rest)
	}
	return "", false
}

// Region returns the code of a state, province or territory of a country that [Country] knows, from its name or code: "California", "ca", "Calif."
// and "US-CA" give "CA". Covered are the United States (with territories and military addresses), Canada and Australia; elsewhere it is not ok.
func Region(country, s string) (code string, ok bool) {
	iso2, ok := Country(country)
	if !ok {
		return "", false
	}
	states, ok := statesOf[iso2]
	if !ok {
		return "", false
	}
	key := letterKey(s)
	for _, candidate := range []string{key, strings.TrimPrefix(key, strings.ToLower(iso2))} {
		for i := range states {
			st := &states[i]
			if candidate == strings.ToLower(st.code) || candidate == st.name || st.also != "" && candidate == st.also {
				return st.code, true
			}
		}
	}
	return "", false
}

// Timezone returns the IANA time zone of a place, named as [Country] and [Region] take it.
//
// It is ok where the country alone decides (it has one zone, or about 95 % of its people live by one clock: then that zone, as Europe/Madrid for
// Spain), and in the United States, Canada and Australia by state, with the same measure. Where a wrong hour is likely it is not ok: the
// United States without a state, Tennessee, Russia.
func Timezone(country, region string) (iana string, ok bool) {
	iso2, ok := Country(country)
	if !ok {
		return "", false
	}
	states, ok := statesOf[iso2]
	if !ok {
		return timezones.lookup(iso2)
	}
	code, ok := Region(iso2, region)
	if !ok {
		return "", false
	}
	for i := range states {
		if states[i].code == code {
			return states[i].zone, states[i].zone != ""
		}
	}
	return "", false
}

// state is a first-level part of a country. name and also are letter keys; zone is empty where the state has two clocks.
type state struct{ code, name, also, zone string }

const (
	eastern  = "America/New_York"
	central  = "America/Chicago"
	mountain = "America/Denver"
	pacific  = "America/Los_Angeles"
)

var statesOf = map[string][]state{
	"US": {
		{"AL", "alabama", "ala", central}, {"AK", "alaska", "", "America/Anchorage"}, {"AZ", "arizona", "ariz", "America/Phoenix"},
		{"AR", "arkansas", "ark", central}, {"CA", "california", "calif", pacific}, {"CO", "colorado", "colo", mountain},
		{"CT", "connecticut", "conn", eastern}, {"DE", "delaware", "del", eastern}, {"DC", "districtofcolumbia", "washingtondc", eastern},
		{"FL", "florida", "fla", eastern}, {"GA", "georgia", "", eastern}, {"HI", "hawaii", "", "Pacific/Honolulu"}, {"ID", "idaho", "", ""},
		{"IL", "illinois", "ill", central}, {"IN", "indiana", "ind", ""}, {"IA", "iowa", "", central}, {"KS", "kansas", "kan", central},
		{"KY", "kentucky", "", ""}, {"LA", "louisiana", "", central}, {"ME", "maine", "", eastern}, {"MD", "maryland", "", eastern},
		{"MA", "massachusetts", "mass", eastern}, {"MI", "michigan", "mich", "America/Detroit"}, {"MN", "minnesota", "minn", central},
		{"MS", "mississippi", "miss", central}, {"MO", "missouri", "", central}, {"MT", "montana", "mont", mountain}, {"NE", "nebraska", "neb", ""},
		{"NV", "nevada", "nev", pacific}, {"NH", "newhampshire", "", eastern}, {"NJ", "newjersey", "", eastern}, {"NM", "newmexico", "", mountain},
		{"NY", "newyork", "newyorkstate", eastern}, {"NC", "northcarolina", "", eastern}, {"ND", "northdakota", "", ""}, {"OH", "ohio", "", eastern},
		{"OK", "oklahoma", "okla", central}, {"OR", "oregon", "ore", pacific}, {"PA", "pennsylvania", "penn", eastern}, {"RI", "rhodeisland", "", eastern},
		{"SC", "southcarolina", "", eastern}, {"SD", "southdakota", "", ""}, {"TN", "tennessee", "tenn", ""}, {"TX", "texas", "tex", central},
		{"UT", "utah", "", mountain}, {"VT", "vermont", "", eastern}, {"VA", "virginia", "", eastern}, {"WA", "washington", "washingtonstate", pacific},
		{"WV", "westvirginia", "", eastern}, {"WI", "wisconsin", "wis", central}, {"WY", "wyoming", "wyo", mountain},
		{"AS", "americansamoa", "", "Pacific/Pago_Pago"}, {"GU", "guam", "", "Pacific/Guam"}, {"MP", "northernmarianaislands", "", "Pacific/Guam"},
		{"PR", "puertorico", "", "America/Puerto_Rico"}, {"VI", "virginislands", "usvirginislands", "America/Puerto_Rico"},
		{"AA", "armedforcesamericas", "", ""}, {"AE", "armedforceseurope", "", ""}, {"AP", "armedforcespacific", "", ""},
	},
	"CA": {
		{"AB", "alberta", "", "America/Edmonton"}, {"BC", "britishcolumbia", "colombiebritannique", "America/Vancouver"},
		{"MB", "manitoba", "", "America/Winnipeg"}, {"NB", "newbrunswick", "nouveaubrunswick", "America/Moncton"},
		{"NL", "newfoundlandandlabrador", "newfoundland", "America/St_Johns"}, {"NS", "novascotia", "nouvelleecosse", "America/Halifax"},
		{"NT", "northwestterritories", "", "America/Edmonton"}, {"NU", "nunavut", "", ""}, {"ON", "ontario", "", "America/Toronto"},
		{"PE", "princeedwardisland", "pei", "America/Halifax"}, {"QC", "quebec", "pq", "America/Toronto"}, {"SK", "saskatchewan", "", "America/Regina"},
		{"YT", "yukon", "yukonterritory", "America/Whitehorse"},
	},
	"AU": {
		{"ACT", "australiancapitalterritory", "", "Australia/Sydney"}, {"NSW", "newsouthwales", "", "Australia/Sydney"},
		{"NT", "northernterritory", "", "Australia/Darwin"}, {"QLD", "queensland", "", "Australia/Brisbane"},
		{"SA", "southaustralia", "", "Australia/Adelaide"}, {"TAS", "tasmania", "", "Australia/Hobart"},
		{"VIC", "victoria", "", "Australia/Melbourne"}, {"WA", "westernaustralia", "", "Australia/Perth"},
	},
}
