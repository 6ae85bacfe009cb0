package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

//go:embed data/sp500.csv
var sp500 []byte

//go:embed data/wikidata_companies.csv
var wikidata []byte

// company is a company that leads come from. Its name and, of the S&P 500, its
// sector, seat and year are real; the rest is made up.
type company struct {
	name, alias string
	short       string // without legal form
	domain      string
	place       place
	sector      string
	founded     int
	employees   int
	revenue     int
	tech        []string
	funding     string
	hiring      float64

	role  companyRole
	owner string // rep who owns the account
}

type companyRole int

const (
	neutral    companyRole = iota // not in the CRM
	prospect                      // in the CRM, nothing sold yet
	customer                      // buys from us
	inDeal                        // has an open opportunity
	lostBefore                    // an opportunity was lost months ago
)

// bands are the employee numbers that a size stands for.
var bands = map[string][2]float64{"small": {6, 180}, "medium": {200, 1800}, "large": {2500, 60000}, "listed": {3000, 180000}}

func loadCompanies(d dice) ([]*company, error) {
	var all []*company
	taken := map[string]bool{}
	add := func(c *company, size string) {
		band := bands[size]
		c.employees = sized(band[0] * math.Pow(band[1]/band[0], d.Float64()))
		c.revenue = sized(float64(c.employees)*float64(d.between(90, 420))) * 1000
		c.short = withoutForm(c.name)
		c.domain = slug(c.short) + ".example"
		for i := 2; taken[c.domain]; i++ {
			c.domain = slug(c.short) + strconv.Itoa(i) + ".example"
		}
		taken[c.domain] = true
		c.tech = stack(d)
		c.hiring = math.Round(d.ExpFloat64()*30) / 10
		if size == "small" || size == "medium" && d.chance(0.3) {
			c.funding = pick(d, []string{"bootstrapped", "seed", "series_a", "series_a", "series_b", "series_c"})
		} else if size == "listed" {
			c.funding = "public"
		}
		all = append(all, c)
	}
	listed, err := rows(sp500, 4)
	if err != nil {
		return nil, fmt.Errorf("generate: sp500.csv: %w", err)
	}
	for _, r := range listed {
		year, err := strconv.Atoi(r[3])
		if err != nil {
			return nil, fmt.Errorf("generate: sp500.csv: year: %w", err)
		}
		add(&company{name: r[0], sector: r[1], place: seat(r[2]), founded: year}, "listed")
	}
	known, err := rows(wikidata, 5)
	if err != nil {
		return nil, fmt.Errorf("generate: wikidata_companies.csv: %w", err)
	}
	for _, r := range known {
		c := &company{name: r[1], alias: r[2], sector: pick(d, sectors), place: pick(d, places[r[3]]), founded: d.between(1952, 2021)}
		add(c, r[4])
	}
	return all, nil
}

func rows(data []byte, columns int) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = columns
	all, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	return all[1:], nil
}

// sized rounds as people say numbers: 37, 1,250, 48,000.
func sized(f float64) int {
	n := int(f)
	for unit := 1000; ; unit *= 10 {
		if n < unit {
			step := max(1, unit/100)
			return max(1, n/step*step)
		}
	}
}

var legalForms = []string{", Inc.", " Inc.", ", Inc", " Inc", ", LLC", " LLC", " Corporation", " GmbH & Co. KG", " GmbH", " AG", " plc", " PLC", " Ltd", " Limited",
	" S.A.", " SA", " Ltda.", " S.p.A.", " SpA", " S.r.l.", " SL", " AB", " A/S", " B.V.", " N.V."}

func withoutForm(name string) string {
	for _, f := range legalForms {
		if s, ok := strings.CutSuffix(name, f); ok && len(s) > 2 {
			return s
		}
	}
	return name
}

var technologies = []string{"salesforce", "hubspot", "snowflake", "databricks", "bigquery", "redshift", "tableau", "power-bi", "looker", "sap", "netsuite",
	"marketo", "segment", "kafka", "airflow", "dbt", "aws", "azure", "gcp", "zendesk", "workday", "postgresql", "oracle"}

func stack(d dice) []string {
	n := d.between(2, 6)
	var out []string
	for _, i := range d.Perm(len(technologies))[:n] {
		out = append(out, technologies[i])
	}
	slices.Sort(out)
	return out
}

var sectors = []string{"Industrials", "Information Technology", "Consumer Discretionary", "Communication Services", "Health Care", "Financials",
	"Consumer Staples", "Materials", "Energy", "Utilities"}

// place is where a company sits or a person works.
type place struct {
	country, state, city string
	clock                int // hours from UTC in these weeks, near enough for a sample
}

// foreign are the seats of the S&P 500 outside the United States.
var foreign = map[string]string{"Ireland": "IE", "United Kingdom": "GB", "Switzerland": "CH", "Netherlands": "NL", "Bermuda": "BM", "Canada": "CA"}

// stateClock is for the states that don't keep Eastern time.
var stateClock = map[string]int{"California": -7, "Washington": -7, "Oregon": -7, "Nevada": -7, "Arizona": -7, "Colorado": -6, "Utah": -6, "Montana": -6,
	"Idaho": -6, "Texas": -5, "Illinois": -5, "Minnesota": -5, "Wisconsin": -5, "Missouri": -5, "Oklahoma": -5, "Arkansas": -5, "Nebraska": -5, "Iowa": -5,
	"Alabama": -5, "Louisiana": -5, "Tennessee": -5}

func seat(s string) place {
	s, _, _ = strings.Cut(s, ";")
	parts := strings.Split(s, ", ")
	city, state := parts[0], parts[len(parts)-1]
	if iso, ok := foreign[state]; ok {
		p := place{country: iso, city: city, clock: 1}
		if iso == "CA" || iso == "BM" {
			p.clock = -4
		}
		return p
	}
	if state == "D.C." {
		state = "District of Columbia"
	}
	return place{"US", state, city, cmp.Or(stateClock[state], -4)}
}

// places are cities for the companies of which only the country is known.
var places = map[string][]place{
	"US": {{"US", "New York", "New York", -4}, {"US", "Massachusetts", "Boston", -4}, {"US", "Florida", "Miami", -4}, {"US", "Georgia", "Atlanta", -4},
		{"US", "Texas", "Austin", -5}, {"US", "Texas", "Dallas", -5}, {"US", "Illinois", "Chicago", -5}, {"US", "Minnesota", "Minneapolis", -5},
		{"US", "Colorado", "Denver", -6}, {"US", "Utah", "Salt Lake City", -6}, {"US", "California", "San Francisco", -7}, {"US", "California", "San Diego", -7},
		{"US", "Washington", "Seattle", -7}, {"US", "Oregon", "Portland", -7}, {"US", "North Carolina", "Raleigh", -4}, {"US", "Ohio", "Columbus", -4}},
	"CA": {{"CA", "Ontario", "Toronto", -4}, {"CA", "Ontario", "Ottawa", -4}, {"CA", "Quebec", "Montréal", -4}, {"CA", "British Columbia", "Vancouver", -7},
		{"CA", "Alberta", "Calgary", -6}},
	"GB": {{"GB", "", "London", 1}, {"GB", "", "London", 1}, {"GB", "", "Manchester", 1}, {"GB", "", "Leeds", 1}, {"GB", "", "Glasgow", 1}, {"GB", "", "Bristol", 1}},
	"IE": {{"IE", "", "Dublin", 1}, {"IE", "", "Cork", 1}},
	"DE": {{"DE", "", "Berlin", 2}, {"DE", "", "Hamburg", 2}, {"DE", "", "München", 2}, {"DE", "", "Köln", 2}, {"DE", "", "Frankfurt am Main", 2}, {"DE", "", "Düsseldorf", 2}},
	"AT": {{"AT", "", "Wien", 2}, {"AT", "", "Graz", 2}},
	"CH": {{"CH", "", "Zürich", 2}, {"CH", "", "Bern", 2}, {"CH", "", "Genève", 2}},
	"FR": {{"FR", "", "Paris", 2}, {"FR", "", "Lyon", 2}, {"FR", "", "Toulouse", 2}, {"FR", "", "Nantes", 2}},
	"NL": {{"NL", "", "Amsterdam", 2}, {"NL", "", "Utrecht", 2}},
	"IT": {{"IT", "", "Milano", 2}, {"IT", "", "Torino", 2}, {"IT", "", "Bologna", 2}},
	"ES": {{"ES", "", "Madrid", 2}, {"ES", "", "Barcelona", 2}},
	"SE": {{"SE", "", "Stockholm", 2}, {"SE", "", "Göteborg", 2}},
	"DK": {{"DK", "", "København", 2}, {"DK", "", "Aarhus", 2}},
	"IN": {{"IN", "", "Bengaluru", 5}, {"IN", "", "Mumbai", 5}, {"IN", "", "Hyderabad", 5}},
	"BR": {{"BR", "", "São Paulo", -3}, {"BR", "", "Rio de Janeiro", -3}},
	"AU": {{"AU", "New South Wales", "Sydney", 10}, {"AU", "Victoria", "Melbourne", 10}},
}

var emea = []string{"GB", "IE", "DE", "AT", "CH", "FR", "NL", "IT", "ES", "SE", "DK"}

func (p place) inEMEA() bool { return slices.Contains(emea, p.country) }

// slug is the ASCII form of a name, for domains and mailboxes.
func slug(s string) string {
	s = ascii(s)
	s = strings.ReplaceAll(s, "&", " and ")
	words := strings.FieldsFunc(strings.ReplaceAll(s, "'", ""), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') })
	if len(words) > 3 {
		words = words[:3]
	}
	return strings.Join(words, "-")
}

var foldings = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "á", "a", "à", "a", "â", "a", "ã", "a", "å", "a", "æ", "ae", "ç", "c", "é", "e", "è", "e",
	"ê", "e", "ë", "e", "í", "i", "î", "i", "ï", "i", "ñ", "n", "ó", "o", "ô", "o", "õ", "o", "ø", "o", "œ", "oe", "ú", "u", "û", "u", "ý", "y", "’", "'")

// ascii lower-cases and spells out what is no ASCII letter.
func ascii(s string) string { return foldings.Replace(strings.ToLower(s)) }
