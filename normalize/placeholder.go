package normalize

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// nullWords stand for "no value", as letter keys.
var nullWords = wordSet(`null nil none na nan undefined unknown notset notprovided notavailable notapplicable notgiven unspecified blank empty
	missing tbd tba novalue nodata unbekannt keine keiner keineangabe ka inconnu aucun aucune nonrenseigne desconocido ninguno ninguna sconosciuto
	nessuno onbekend geen`)

// fillerWords are typed into a required field by people who do not want to fill it, as letter keys.
var fillerWords = wordSet(`anonymous anonym anon noname noemail nomail nophone nonumber nobody noreply donotreply donotemail donotcontact
	dontcontact test tester testing testtest testuser testlead dummy fake example sample asdf asdfasdf asdfgh asdfghjkl qwer qwert qwerty qwertz qwertyuiop
	abc abcd abcde abcdef blabla foo bar foobar deleted removed private confidential withheld`)

// fakeLocals make an address fake whatever its domain.
var fakeLocals = wordSet(`null none unknown undefined notprovided notavailable notapplicable noemail nomail noaddress donotemail donothave donthave nobody
	keineemail keinemail pasdemail sinemail`)

// roleLocals are mailboxes of functions, as letter keys.
var roleLocals = wordSet(`abuse accounting accounts accountspayable accountsreceivable admin administracion administration administrator ads advertising
	alerts ap ar asistencia assistance atencion atencionalcliente auskunft bestellung bestellungen bewerbung bewerbungen billing booking bookings
	buchhaltung buero bureau business bookkeeping careers career catering cc ceo commercial communication communications compliance compras compta
	comptabilite contabilidad contabilita contact contacto contactus contatti contato ceooffice customer customercare customerservice customersuccess
	customersupport daemon datenschutz demo dev devnull development direction director dns donotreply dpo e-mail econtact einkauf email empfang empleo
	engineering enquiries enquiry envios events export facturacion facturation factures facturas feedback finance finances firma frontdesk ftp
	gdpr general geschaeftsleitung geschaeftsfuehrung hallo hello help helpdesk hi hola hostmaster hotline hr humanresources impressum info infos information
	informatica informatique inquiries inquiry inbox international invest investor investors investorrelations invoice invoices invoicing it itsupport jobs
	job karriere kontakt kundenservice kundendienst legal lead leads list listserv logistics logistik mail mailbox mailerdaemon mailing management manager
	marketing marketing media member members membership news newsletter noc noreply notifications nospam office officemanager oficina online
	operations order orders ordini orga partner partners partnership partnerships payable payments payroll pedidos personal personnel postmaster post
	poststelle pr praxis presse press privacy privacidad prensa procurement production purchase purchasing rechnung rechnungen reception recepcion
	recruiting recruitment recruiter redaktion registrar registration rh root rrhh sales salesteam sav secretariat secretaria segreteria sekretariat
	security service services servicedesk serviceclient shipping shop soporte spam ssl staff store subscribe subscriptions support studio supplychain
	sysadmin systems team tech techsupport technical technik unsubscribe usenet uucp vendas ventas vertrieb verkauf vendite vente ventes verwaltung
	vorstand web webmaster webmail website welcome welkom winkel www zentrale`)

// mailboxQualifiers may stand beside a role word in a mailbox name: "sales.emea", "info-de".
var mailboxQualifiers = wordSet(`de at ch uk us usa eu fr es it nl be au ca ie se no dk fi pl pt br mx jp sg hk uae emea apac latam dach nordics benelux
	europe global int intl international hq north south east west central na team desk dept department group office company my our the to us1 eu1`)

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[strings.ReplaceAll(word, "-", "")] = true
	}
	return set
}

// IsNull reports whether value spells out that there is none: it is empty, punctuation only ("-", "?"), or a word such as "null", "N/A", "none",
// "unknown", "#N/A", "(not set)". Such a value is to be treated as absent. Not for names of people: Null and None are names.
func IsNull(value string) bool {
	var room [plainBytes]byte
	if key, ok := plainKey(&room, value); ok {
		return len(key) == 0 || nullWords[string(key)]
	}
	key := letterKey(value)
	return key == "" || nullWords[key]
}

// IsPlaceholder reports whether value, used as an identifier, would link records that have nothing to do with each other: whatever [IsNull]
// holds for, words typed to get past a form ("test", "anonymous", "asdf"), repeated or running characters and digits ("xxx", "0000000", "-1",
// "123456"), phone numbers made of them ("+1 555 555 5555"), role and test mailboxes ("info@", "sales@acme.com", "test@acme.com").
//
// A placeholder may be a usable value all the same, as mail to info@ arrives; it must only never link two records. Not for names of people.
func IsPlaceholder(value string) bool {
	value = Text(value)
	if IsNull(value) {
		return true
	}
	if local, domain, ok := strings.Cut(value, "@"); ok {
		return isPlaceholderMailbox(unwrapEmail(local), strings.ToLower(domain))
	}
	var room [plainBytes]byte
	if key, ok := plainKey(&room, value); ok {
		return fillerWords[string(key)] || isRepeatedASCII(key) || isPhoneShaped(value) && isPlaceholderNumber(string(key))
	}
	key := letterKey(value)
	return fillerWords[key] || isRepeated(key, 3) || isPhoneShaped(value) && isPlaceholderNumber(digitsOf(value))
}

func isPlaceholderMailbox(local, domain string) bool {
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	}
	var room [plainBytes]byte
	if all, ok := plainKey(&room, local); ok {
		key := bytes.TrimRight(all, "0123456789")
		return len(key) == 0 && isPlaceholderNumber(string(all)) || fillerWords[string(key)] || isRepeatedASCII(key) || isRoleLocal(local) ||
			isFakeMailbox(local, domain)
	}
	key := strings.TrimRight(letterKey(local), "0123456789")
	return key == "" && isPlaceholderNumber(digitsOf(local)) || fillerWords[key] || isRepeated(key, 3) || isRoleLocal(local) ||
		isFakeMailbox(local, domain)
}

// isFakeMailbox holds for addresses that stand for "no address": nobody reads them.
func isFakeMailbox(local, domain string) bool {
	var room [plainBytes]byte
	if plain, ok := plainKey(&room, local); ok {
		// Of nearly all addresses this is all there is to see, without a copy.
		plain = bytes.TrimRight(plain, "0123456789")
		if !fakeLocals[string(plain)] && !nullWords[string(plain)] && !fillerWords[string(plain)] && !isRepeatedASCII(plain) {
			return false
		}
	}
	key := strings.TrimRight(letterKey(local), "0123456789")
	if fakeLocals[key] {
		return true
	}
	if !nullWords[key] && !fillerWords[key] && !isRepeated(key, 3) {
		return false
	}
	label, _, _ := strings.Cut(domain, ".")
	label = letterKey(label)
	return label == key || nullWords[label] || fillerWords[label]
}

// plainBytes bounds what plainKey reads.
const plainBytes = 64

// plainKey is letterKey of short ASCII, which is nearly all that there is, in the memory of the caller.
func plainKey(room *[plainBytes]byte, s string) ([]byte, bool) {
	if len(s) > len(room) {
		return nil, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c >= utf8.RuneSelf {
			return nil, false
		}
		if isLowerAlnum(c) {
			room[n] = c
			n++
		}
	}
	return room[:n], true
}

// isRepeatedASCII is isRepeated of three for ASCII.
func isRepeatedASCII(s []byte) bool {
	return len(s) >= 3 && bytes.Count(s, s[:1]) == len(s)
}

// isRoleLocal reports whether a local part names a function: a role word, with digits or a region beside it at most.
func isRoleLocal(local string) bool {
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	}
	var room [plainBytes]byte
	if key, ok := plainKey(&room, local); ok {
		if roleLocals[string(bytes.TrimRight(key, "0123456789"))] {
			return true
		}
	} else if roleLocals[strings.TrimRight(letterKey(local), "0123456789")] {
		return true
	}
	role := false
	for part := range strings.FieldsFuncSeq(local, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		part = strings.TrimRight(letterKey(part), "0123456789")
		switch {
		case mailboxQualifiers[part] || part == "":
		case roleLocals[part]:
			role = true
		default:
			return false
		}
	}
	return role
}

// isRepeated holds for n or more of the same character.
func isRepeated(s string, n int) bool {
	count := 0
	var first rune
	for i, r := range s {
		if i == 0 {
			first = r
		} else if r != first {
			return false
		}
		count++
	}
	return count >= n
}

func isPhoneShaped(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; (c < '0' || c > '9') && strings.IndexByte(" +-().", c) < 0 {
			return false
		}
	}
	return true
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// isPlaceholderNumber holds for 0, 1, runs of one digit, running digits, and numbers that end in seven equal digits.
func isPlaceholderNumber(digits string) bool {
	if digits == "0" || digits == "1" || digits == "00" || isRepeated(digits, 3) {
		return true
	}
	if len(digits) >= 8 && isRepeated(digits[len(digits)-7:], 7) {
		return true
	}
	return len(digits) >= 4 && (strings.HasPrefix("12345678901234567890", digits) || strings.HasPrefix("01234567890123456789", digits) ||
		strings.HasPrefix("9876543210", digits))
}
