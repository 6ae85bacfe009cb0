package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Tables as people export them, a hundred rows each, of which none was chosen when kinds were first guessed.
func TestKindsOfTablesOfSeveralTrades(t *testing.T) {
	people := strings.Fields("Jürgen_Schäfer Sabine_Müller Heike_Weiß Uwe_Großmann Dörte_Krüger Ingo_Böhm Kerstin_Scholz Rüdiger_Vogel Silke_Lorenz Bernd_Huber")
	person := func(i int) (given, family string) {
		given, family, _ = strings.Cut(people[i%10], "_")
		return given, family
	}
	mail := func(i int) string {
		given, family := person(i)
		return strings.ToLower(given[:1]+"."+plainWords(family)) + fmt.Sprintf("@firma%d.example", i/3)
	}
	for _, c := range []struct {
		name   string
		header string
		row    func(i int) []string
		want   string
	}{
		{
			"a German CRM: its own numbers, forms of address, academic titles, decimal commas, when a row was made", "Kundennummer,Anrede,Titel,Kontaktname,Firma,Umsatz (EUR),Angelegt am,E-Mail",
			func(i int) []string {
				given, family := person(i)
				return []string{
					fmt.Sprintf("K%05d", i), "Frau", []string{"", "Dr.", "Prof. Dr."}[i%3], given + " " + family, fmt.Sprintf("Firma %d GmbH", i/3),
					fmt.Sprintf("%d.%03d,50 €", 1+i/7, i), fmt.Sprintf("%02d.03.2024", 1+i%28), mail(i),
				}
			},
			"ignore category category person_name company number ignore email",
		},
		{
			"badges scanned at a fair, in capitals, some with the family name first", "Badge Name,Organisation,Function,E-Mail,Scan time",
			func(i int) []string {
				given, family := person(i)
				name := strings.ToUpper(given + " " + family)
				if i%2 == 0 {
					name = strings.ToUpper(family + ", " + given)
				}
				return []string{name, fmt.Sprintf("FIRMA %d GMBH", i/3), []string{"CEO", "BUYER"}[i%2], mail(i), fmt.Sprintf("2025-09-15 %02d:%02d", 9+i%9, i%60)}
			},
			"person_name company title email ignore",
		},
		{
			"products of three vendors", "sku,GTIN,product name,vendor,price_eur",
			func(i int) []string {
				return []string{
					fmt.Sprintf("WZ-%d-B", 1000+7*i), fmt.Sprintf("40%011d", i/2*7919), fmt.Sprintf("cordless drill %d with %d volts", i/2, 12+i%5),
					[]string{"Tools24", "ToolWorld", "Profi"}[i%3] + " Inc", fmt.Sprintf("%d.95", 10+i%60),
				}
			},
			"ignore id text company number", // three companies of a hundred rows may be employers
		},
		{
			"what headers say that values are not", "person,company_size,emails_sent,touches_last_7_days,Last Login,Created",
			func(i int) []string {
				return []string{fmt.Sprint(500 + i/2), []string{"1-10", "11-50"}[i%2], fmt.Sprint(i % 4), fmt.Sprint(i % 9), fmt.Sprintf("2024-02-%02d", 1+i%28), fmt.Sprintf("%d/17/2023", 1+i%12)}
			},
			"number category category number ignore ignore",
		},
		{
			"the city and the telephone of a company are no companies, nor is a number a person", "Company Name,Company City,company.domain,Contact,contact phone,Vorname Ansprechpartner,verified_at,geboren am,kind",
			func(i int) []string {
				given, _ := person(i)
				return []string{
					fmt.Sprintf("Firma %d", i/3), []string{"Köln", "Bonn"}[i%2], fmt.Sprintf("firma%d.example", i/3), fmt.Sprintf("C%04d", i/2), fmt.Sprintf("030 55501%02d", i), given,
					fmt.Sprintf("2024-02-%02d", 1+i%28), fmt.Sprintf("19%02d-02-%02d", 50+i%40, 1+i%28), []string{"lead", "customer", "partner"}[i%3],
				}
			},
			"company city domain id phone given_name ignore date category",
		},
		{
			"connections of a network: pages of one site, when somebody was connected, whose they are", "First Name,Last Name,URL,Connected On,Contact owner,Type",
			func(i int) []string {
				given, family := person(i)
				return []string{given, family, fmt.Sprintf("https://www.network.example/in/%d", i/2), fmt.Sprintf("%02d Mar 2024", 1+i%28), []string{"Ana (ana@us.example)", "Ben (ben@us.example)"}[i%2], []string{"lead", "customer"}[i%2]}
			},
			"given_name family_name id ignore category text",
		},
		{
			"headers in Russian", "Фамилия,Имя,Город,Телефон,Дата рождения",
			func(i int) []string {
				return []string{strings.Repeat("Иванов", 1+i%40), strings.Repeat("Анна", 1+i%30), "Казань", fmt.Sprintf("+7 495 55501%02d", i), fmt.Sprintf("%02d.02.1970", 1+i%28)}
			},
			"family_name given_name city phone date",
		},
		{
			"headers in Japanese", "氏名,会社名,電話番号,住所,生年月日",
			func(i int) []string {
				return []string{strings.Repeat("佐", 1+i%7) + " " + strings.Repeat("太", 1+i%9), "株式会社" + strings.Repeat("東", 1+i/3), fmt.Sprintf("03-5550-%04d", i), fmt.Sprint("丸の内", i), fmt.Sprintf("1970/02/%02d", 1+i%28)}
			},
			"person_name company phone address date",
		},
		{
			"a name beside a company is that of somebody", "Name,Company,City",
			func(i int) []string {
				given, family := person(i)
				return []string{given + " " + family, fmt.Sprintf("Firma %d", i/3), "Köln"}
			},
			"person_name company city",
		},
		{
			"birthdays as a spreadsheet writes them", "name,born",
			func(i int) []string {
				given, family := person(i)
				return []string{family + ", " + given, fmt.Sprintf("%d/%d/1970 12:00:00 AM", 1+i%12, 1+i%28)}
			},
			"person_name us_date",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rows [][]string
			for i := range 100 {
				rows = append(rows, c.row(i))
			}
			var got []string
			for _, f := range Guess(strings.Split(c.header, ","), rows) {
				got = append(got, string(f.Kind))
			}
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Errorf("kinds of %s (-want +got):\n%s", c.header, diff)
			}
		})
	}
}

func TestVeryFewCompaniesBesideManyProductsAreACategory(t *testing.T) {
	var rows [][]string
	for i := range 1000 {
		rows = append(rows, []string{fmt.Sprintf("drill %d of steel, for the left hand and more", i), []string{"Tools24", "ToolWorld", "Profi"}[i%3]})
	}
	if got := Guess([]string{"description", "vendor"}, rows)[1].Kind; got != KindCategory {
		t.Errorf("guessed to be %s", got)
	}
}

func TestAmountsAreReadAsSeveralCountriesWriteThem(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"1234.50", "1234.5"}, {"1.234,50 €", "1234.5"}, {"1,234.50", "1234.5"}, {"$1,234.5", "1234.5"}, {"1'234.50", "1234.5"}, {"1 234,50", "1234.5"},
		{"12,5", "12.5"}, {"1,234", "1234"}, {"1.234", "1.234"}, {"1.234.567", "1234567"}, {"007", "7"}, {"0,50", "0.5"}, {"12a", "12a"}, {"12-14", "12-14"},
	} {
		out := []string{""}
		deriveNumber(c.written, out)
		if out[0] != c.want {
			t.Errorf("%s is read as %q, want %q", c.written, out[0], c.want)
		}
	}
}

// Columns were compared in their order, so that of a wide export what stood last was left out: the address of everybody.
func TestOfAWideTableWhatTellsTheMostIsCompared(t *testing.T) {
	var header, row []string
	for i := range 30 {
		header, row = append(header, fmt.Sprintf("flag %d", i)), append(row, "yes")
	}
	header, row = append(header, "Vorname", "Nachname", "E-Mail", "Telefon"), append(row, "Anna", "Adler", "anna@acme.example", "030 1234567")
	var got []string
	compared := 0
	for _, f := range Guess(header, [][]string{row, row}) {
		if f.Kind != KindIgnore {
			compared += comparisonsOf(f.Kind)
			got = append(got, f.Name)
		}
	}
	if compared != maxComparisons || !slices.Contains(got, "E-Mail") || !slices.Contains(got, "Telefon") || !slices.Contains(got, "Nachname") {
		t.Errorf("%d comparisons, of %q", compared, got)
	}
}

func TestStreetsAreOneHoweverTheirKindIsShortened(t *testing.T) {
	for _, c := range [][2]string{
		{"Hauptstraße 12", "Hauptstr. 12"}, {"HAUPTSTRASSE 12", "hauptstr 12"}, {"Lange Straße 3", "Lange Str. 3"}, {"12 Oak Street", "12 Oak St."},
		{"5 boulevard Voltaire", "5, bd Voltaire"}, {"Calle Mayor 7", "C/ Mayor, 7"}, {"Avenida Sol 9", "Av. Sol 9"},
	} {
		var made [2][3]string
		for i, s := range c {
			deriveAddress(s, made[i][:])
		}
		if made[0] != made[1] || made[0][2] == "" {
			t.Errorf("%q is %q, but %q is %q", c[0], made[0], c[1], made[1])
		}
	}
}
