package match

import "strings"

// headerWords are the words of headers, without blanks, punctuation and accents, that tell a kind, in several languages.
var headerWords = []struct {
	kind  Kind
	words string
}{
	{KindGivenName, `firstname givenname forename fname given first vorname rufname prenom nombre nome primeironome voornaam imie fornavn fornamn etunimi имя 名`},
	{KindFamilyName, `lastname familyname surname lname last family nachname familienname zuname nomdefamille apellido apellidos cognome sobrenome
			ultimonome achternaam nazwisko efternavn etternavn efternamn sukunimi soyad soyadi фамилия 姓`},
	{KindPersonName, `fullname personname contactname contact person vollname ansprechpartner kontakt kontaktname nomcomplet nombrecompleto nomecompleto
			nomecognome contacto contatto contato contactpersoon фио контакт 氏名 名前 姓名`},
	{KindPeople, `authors author people editors inventors autoren auteurs autores autori erfinder`},
	{KindEmail, `email mail emailaddress emailadresse mailadresse courriel adressemail correo correoelectronico eposta epost почта эпочта メールアドレス メール 邮箱 电子邮件`},
	{KindPhone, `phone phonenumber telephone tel mobile mobilephone mobilenumber fax cell cellphone landline telefon telefonnummer telefonnr rufnummer
			mobil handy handynummer mobilnummer portable telephoneportable telefono movil celular cellulare telefone telemovel telefoon mobiel телефон 電話番号 電話 电话 手机`},
	{KindDomain, `domain website url web homepage webseite internet internetseite siteweb siteinternet sitioweb paginaweb sitoweb sito саит`},
	{KindCompany, `company companyname organisation organization account accountname employer firm business vendor manufacturer brand firma firmenname
			unternehmen arbeitgeber societe entreprise raisonsociale empresa compania razonsocial azienda societa ragionesociale bedrijf bedrijfsnaam
			virksomhed foretag yritys sirket supplier lieferant fournisseur proveedor fornitore leverancier facility clinic hospital school hotel компания организация 会社名 会社 公司`},
	{KindDate, `dob dateofbirth birthdate birthday date geburtsdatum geburtstag datedenaissance fechadenacimiento datadinascita datadenascimento geboortedatum датарождения 生年月日`},
	{KindAddress, `address addr street streetaddress adresse anschrift strasse rue direccion calle indirizzo endereco rua adres straat ulica адрес 住所 地址`},
	{KindNumber, `streetnumber housenumber year age price amount revenue turnover employees headcount score confidence founded quantity umsatz mitarbeiter betrag menge anzahl hausnummer hausnr jahr preis annee prix`},
	{KindCity, `city town suburb locality place birthplace placeofbirth county headquarters hq ort stadt wohnort geburtsort ville commune ciudad
			citta comune cidade plaats woonplaats miasto stad kaupunki sehir город 城市`},
	{KindPostcode, `zip zipcode postcode postalcode postal plz postleitzahl codepostal codigopostal cep kodpocztowy postnummer postnr индекс 郵便番号`},
	{KindCategory, `state country region gender sex language province industry status currency land bundesland geschlecht branche sprache anrede pays
			sexe secteur langue pais provincia sexo sector idioma paese sesso settore lingua estado setor geslacht kraj ulke maa страна`},
	{KindTitle, `title jobtitle function position occupation role profession job titel funktion beruf berufsbezeichnung fonction poste metier cargo puesto
			profesion ruolo mansione profissao functie functietitel beroep stanowisko stilling unvan должность 役職 职位`},
	{KindID, `ssn socsecid vat vatid taxid duns isbn gtin ean ean13 upc mpn npi iban lei ein companynumber registrationnumber handelsregister handelsregisternummer kvk orgnr passport linkedin linkedinurl profile profileurl xing ustid umsatzsteuerid steuernummer siren
			siret nif cif partitaiva`},
	{KindText, `description notes comment venue type cuisine category beschreibung bemerkung notiz notizen kommentar`},
}

// headerKinds are headerWords by the word. The longest that a header holds as whole words counts.
var headerKinds = func() map[string]Kind {
	kinds := map[string]Kind{}
	for _, h := range headerWords {
		for w := range strings.FieldsSeq(h.words) {
			kinds[w] = h.kind
		}
	}
	return kinds
}()

// bareNames are headers that say "name" and no more, of a person or of anything. Beside a given name they are the family name.
var bareNames = map[string]bool{"name": true, "names": true, "nom": true, "nome": true, "nombre": true, "naam": true, "navn": true, "namn": true, "nazwa": true}

// eitherNames are headers of names of people or of companies.
var eitherNames = map[string]bool{
	"customer": true, "customername": true, "client": true, "clientname": true, "kunde": true, "kundenname": true, "cliente": true, "klant": true, "klantnaam": true,
}
