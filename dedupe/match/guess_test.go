package match

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAWordOfHeadersTellsOneKind(t *testing.T) {
	seen := map[string]Kind{}
	for _, h := range headerWords {
		for w := range strings.FieldsSeq(h.words) {
			if k, twice := seen[w]; twice {
				t.Errorf("%q tells %s and %s", w, k, h.kind)
			}
			seen[w] = h.kind
			if w != solid(w) {
				t.Errorf("%q is not written as headers are looked up: %q", w, solid(w))
			}
		}
	}
}

func TestKindsAreGuessedInSeveralLanguages(t *testing.T) {
	want := []Kind{KindGivenName, KindFamilyName, KindEmail, KindPhone, KindCompany, KindTitle, KindCity, KindCategory}
	row := []string{"Julia", "Weber", "j.weber@example.de", "+49 30 901820", "Weber GmbH", "Einkauf", "Berlin", "DE"}
	for _, header := range []string{
		"first_name,last_name,email,phone,company,title,city,country",
		"Vorname,Nachname,E-Mail-Adresse,Telefonnummer,Firma,Position,Ort,Land",
		"Prénom,Nom,Courriel,Téléphone,Société,Fonction,Ville,Pays",
		"Nombre,Apellidos,Correo electrónico,Teléfono,Empresa,Cargo,Ciudad,País",
		"Nome,Cognome,Email,Cellulare,Azienda,Ruolo,Città,Paese",
		"Nome,Sobrenome,E-mail,Telefone,Empresa,Cargo,Cidade,País",
		"Voornaam,Achternaam,E-mailadres,Telefoon,Bedrijf,Functie,Plaats,Land",
		"Imię,Nazwisko,E-mail,Telefon,Firma,Stanowisko,Miasto,Kraj",
		"Name,Surname,Mail,Tel.,Organisation,Job Title,Town,Country",
	} {
		t.Run(header, func(t *testing.T) {
			var rows [][]string
			for range 30 {
				rows = append(rows, row)
			}
			var got []Kind
			for _, f := range Guess(strings.Split(header, ","), rows) {
				got = append(got, f.Kind)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("kinds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKindsAreGuessedFromValuesWhereTheHeaderSaysNothing(t *testing.T) {
	for _, c := range []struct {
		values string
		want   Kind
	}{
		{"Acme Inc.|Beta Ltd|Gamma Industries|Delta GmbH|Omega", KindCompany},
		{"030 901820|+49 89 233960|0049 221 3456|4049428622|(404) 942-8622", KindPhone},
		{"10023456|20034567|30045678|40056789|50067890", KindID},
		{"2021-03-04|2020-12-31|1999-01-02|2001-07-08|2011-11-11", KindDate},
		{"03/04/1998|12/31/2020|01/02/1999|07/28/2001|11/11/2011", KindUSDate},
		{"03/04/1998|31/12/2020|01/02/1999|28/07/2001|11/11/2011", KindDate},
		{"03/04/1998|01/02/1999|11/11/2011|05/06/2007|06/06/2006", KindDate}, // either could be: the day first, as in most countries
		{"john smith|mary jones|robert brown|linda davis|james miller", KindPersonName},
	} {
		var rows [][]string
		for v := range strings.SplitSeq(c.values, "|") {
			rows = append(rows, []string{v})
		}
		if got := Guess([]string{"col7"}, rows)[0].Kind; got != c.want {
			t.Errorf("%s is guessed to be %s, want %s", c.values, got, c.want)
		}
	}
}
