package main

import (
	"fmt"
	"strings"
)

// person is a made-up human being.
type person struct {
	first, last string
	email       string
	phone       string
	title       string
	rank        int // 0 individual … 4 head of the company
	company     *company
	place       place
}

// names are first and last names by country. Countries without an entry use
// those of a neighbour.
var names = map[string][2][]string{
	"US": {
		strings.Fields("James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica Thomas Sarah Karen " +
			"Lisa Daniel Nancy Matthew Betty Anthony Sandra Mark Ashley Steven Emily Andrew Kimberly Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa " +
			"Maria Jose Luis Carmen Wei Mei Priya Raj Anil Aisha Omar Fatima Dwayne Keisha Jamal Olga Igor Hiroshi Yuki Min-jun Soo-jin"),
		strings.Split("Smith,Johnson,Williams,Brown,Jones,Garcia,Miller,Davis,Rodriguez,Martinez,Hernandez,Lopez,Gonzalez,Wilson,Anderson,Thomas,Taylor,Moore,Jackson,Martin,"+
			"Lee,Perez,Thompson,White,Harris,Sanchez,Clark,Ramirez,Lewis,Robinson,Walker,Young,Allen,King,Wright,Scott,Torres,Nguyen,Hill,Flores,Green,Adams,Nelson,Baker,"+
			"Hall,Rivera,Campbell,Mitchell,Carter,Roberts,O'Brien,McAllister,Van Dyke,De La Cruz,Kim,Park,Patel,Shah,Chen,Wang,Tanaka,Kowalski,D'Angelo,Washington-Reed", ","),
	},
	"GB": {
		strings.Fields("Oliver Amelia George Isla Harry Olivia Jack Emily Charlie Poppy Alfie Freya Rhys Siân Callum Eilidh Niamh Imran Nadia Gareth Fiona Graham Alison Zoë"),
		strings.Split("Smith,Jones,Taylor,Davies,Evans,Wright,Thompson,Hughes,Walker,Edwards,Green,Hall,Wood,Clarke,Patel,Khan,MacDonald,O'Connor,Llewellyn,Ashworth,Fitzgerald,Parry-Williams", ","),
	},
	"IE": {
		strings.Fields("Seán Aoife Conor Niamh Pádraig Siobhán Declan Gráinne Eoin Ciara"),
		strings.Split("Murphy,Kelly,O'Sullivan,Walsh,Ó Briain,Byrne,Ryan,O'Connor,Ní Dhomhnaill,Doyle", ","),
	},
	"DE": {
		strings.Fields("Jürgen Anna Müzeyyen Stefan Katharina Björn Sabine Wolfgang Ursula Jörg Claudia Matthias Heike Thomas Jana Lukas Leonie Özlem Karl-Heinz Anne-Marie"),
		strings.Split("Müller,Schmidt,Schneider,Fischer,Weber,Meyer,Wagner,Becker,Schulz,Hoffmann,Schäfer,Koch,Bauer,Richter,Klein,Wolf,Schröder,Neumann,von Hagen,Groß,zu Stolberg,Yıldız,Meyer-Landrut", ","),
	},
	"FR": {
		strings.Fields("Jean-Pierre Camille François Élodie Benoît Amélie Jérôme Chloé Mathieu Aurélie Cédric Noémie Hélène Loïc Océane Anaïs Étienne Fatou Mehdi Thérèse"),
		strings.Split("Martin,Bernard,Dubois,Durand,Leroy,Moreau,Lefèvre,Le Goff,de La Tour,Roux,Fournier,Girard,Mercier,Benali,N'Diaye,Gauthier,Lemaître,d'Aubigné,Guérin,Faure", ","),
	},
	"NL": {
		strings.Fields("Sander Femke Joost Anouk Bram Maartje Pieter Saskia Daan Lotte"),
		strings.Split("de Vries,van den Berg,Jansen,Bakker,van der Meer,Visser,de Boer,Mulder,ter Horst,'t Hooft", ","),
	},
	"IT": {
		strings.Fields("Giulia Lorenzo Chiara Matteo Francesca Alessandro Niccolò Elena Davide Ilaria"),
		strings.Split("Rossi,Russo,Ferrari,Esposito,Bianchi,Di Stefano,De Luca,Dell'Acqua,Conti,Costa", ","),
	},
	"ES": {
		strings.Fields("Lucía Javier Carmen Sergio Íñigo Pilar Álvaro Begoña Raúl Inés"),
		strings.Split("García Márquez,Fernández,de la Fuente,Núñez,Ibáñez,Castro,Gómez Pérez,Muñoz,Serrano,Ortega", ","),
	},
	"SE": {
		strings.Fields("Åsa Björn Linnéa Göran Malin Håkan Ingrid Mårten Søren Mette Jørgen Kirsten"),
		strings.Split("Johansson,Lindström,Öberg,Åkesson,Bergqvist,Nyström,Sjögren,Jensen,Sørensen,Ørskov,Møller,af Klint", ","),
	},
	"IN": {
		strings.Fields("Aarav Ananya Vikram Priyanka Arjun Deepika Rohan Sneha Sanjay Kavita Suresh Lakshmi Harpreet Meera"),
		strings.Split("Sharma,Iyer,Reddy,Patel,Singh,Gupta,Nair,Banerjee,Kulkarni,Chatterjee,Rao,Menon,Desai,Subramanian", ","),
	},
	"BR": {
		strings.Fields("João Ana Luís Beatriz Thiago Conceição Fábio Letícia Mário Patrícia Rogério Simone"),
		strings.Split("da Silva,dos Santos,Oliveira,de Souza,Araújo,Gonçalves,Ribeiro,Magalhães,Ferreira,Brandão,Vasconcellos,de Assis", ","),
	},
	"AU": {
		strings.Fields("Liam Matilda Jack Charlotte Noah Ruby Cooper Tahlia Lachlan Isla Thanh Linh"),
		strings.Split("Smith,Nguyen,Williams,Brown,Kelly,Harris,Ryan,Robinson,O'Neill,Papadopoulos,McKenzie,Campbell", ","),
	},
}

var neighbours = map[string]string{"CA": "US", "AT": "DE", "CH": "DE", "DK": "SE", "BM": "US"}

// cast makes people and sees to it that no two are the same by accident.
type cast struct {
	d      dice
	emails map[string]bool
	names  map[string]bool
	phones map[string]int // numbers handed out, by country
}

func newCast(part uint64) *cast {
	return &cast{newDice(part), map[string]bool{}, map[string]bool{}, map[string]int{}}
}

// at returns a new person who works for c.
func (k *cast) at(c *company) *person {
	p := &person{company: c, place: c.place}
	if c.place.country == "US" && k.d.chance(0.18) {
		p.place = pick(k.d, places["US"]) // a branch office
	}
	k.name(p)
	p.title, p.rank = k.title(p)
	p.email = k.mailbox(p)
	p.phone = k.phone(p.place)
	return p
}

func (k *cast) name(p *person) {
	country := p.place.country
	if n, ok := neighbours[country]; ok {
		country = n
	}
	lists := names[country]
	for range 200 {
		p.first, p.last = pick(k.d, lists[0]), pick(k.d, lists[1])
		if !k.names[p.first+p.last] {
			break
		}
	}
	k.names[p.first+p.last] = true
}

// mailbox is a corporate address in one of the usual patterns.
func (k *cast) mailbox(p *person) string {
	first, last := letters(p.first), letters(p.last)
	local := choose(k.d, []weighted[string]{{first + "." + last, 62}, {first[:1] + last, 22}, {first, 6}, {first + "_" + last, 5}, {last + "." + first, 5}})
	email := local + "@" + p.company.domain
	for i := 2; k.emails[email]; i++ {
		email = fmt.Sprintf("%s%d@%s", local, i, p.company.domain)
	}
	k.emails[email] = true
	return email
}

// freeMailbox is an address at a free provider, with digits so that it should
// be nobody's.
func (k *cast) freeMailbox(p *person, providers []string) string {
	return fmt.Sprintf("%s.%s.%d@%s", letters(p.first), letters(p.last), k.d.between(10000, 99999), pick(k.d, providers))
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ReplaceAll(ascii(s), "ı", "i"))
}

// title is a job title and its rank; some are in the language of the country.
func (k *cast) title(p *person) (string, int) {
	rank := choose(k.d, []weighted[int]{{0, 34}, {1, 30}, {2, 20}, {3, 9}, {4, 7}})
	if p.company.employees > 5000 && rank == 4 && k.d.chance(0.7) {
		rank = 2
	}
	if local, ok := localTitles[p.place.country]; ok && k.d.chance(0.45) {
		return pick(k.d, local[rank]), rank
	}
	return pick(k.d, titles[rank]), rank
}

var titles = [5][]string{
	strings.Split("Data Analyst,Business Analyst,Software Engineer,Senior Data Engineer,Sales Operations Specialist,Marketing Specialist,Accountant,Operations Coordinator,"+
		"IT Administrator,Procurement Specialist,Data Scientist,Solutions Architect,Research Associate", ","),
	strings.Split("Marketing Manager,Sales Manager,Data Engineering Manager,IT Manager,Finance Manager,Product Manager,Operations Manager,Analytics Team Lead,"+
		"Revenue Operations Manager,Procurement Manager,BI Manager", ","),
	strings.Split("Director of Analytics,Head of Data,Director of IT,Director of Operations,Head of Finance,Director of Marketing,Sr. Director of Sales Operations,"+
		"Head of Business Intelligence,Engineering Director,Director Procurement", ","),
	strings.Split("VP of Sales,VP Data & Analytics,Vice President Finance,SVP Operations,VP Marketing,VP of Engineering,EVP & General Counsel", ","),
	strings.Split("CEO,CTO,CFO,Chief Data Officer,Founder & CEO,COO,CIO,Owner,Managing Director,Chief Revenue Officer", ","),
}

var localTitles = map[string][5][]string{
	"DE": {{"Sachbearbeiterin Einkauf", "Softwareentwickler", "Data Analyst (m/w/d)"}, {"Teamleiter Vertrieb", "Produktmanagerin", "Projektleiter"},
		{"Leiter IT", "Bereichsleiterin Finanzen", "Vertriebsleiter"}, {"Vice President Sales", "Prokurist"}, {"Geschäftsführer", "Geschäftsführerin", "Vorstand Finanzen"}},
	"FR": {{"Analyste de données", "Développeuse", "Comptable"}, {"Chef de projet", "Responsable marketing", "Responsable BI"},
		{"Directeur informatique", "Directrice commerciale", "DSI"}, {"Vice-présidente Ventes", "Directeur des opérations"}, {"PDG", "Directrice générale", "Fondateur"}},
	"BR": {{"Analista de dados", "Desenvolvedor"}, {"Gerente de marketing", "Coordenadora de TI"}, {"Diretor comercial", "Head of Data"}, {"Vice-presidente de operações"}, {"CEO", "Sócio"}},
	"ES": {{"Analista de datos", "Técnico informático"}, {"Jefe de ventas", "Responsable de compras"}, {"Director de TI", "Directora financiera"}, {"Vicepresidente"}, {"Director general", "Fundadora"}},
	"IT": {{"Analista", "Sviluppatore software"}, {"Responsabile IT", "Responsabile acquisti"}, {"Direttore commerciale", "Direttrice marketing"}, {"Vice President"}, {"Amministratore delegato", "Titolare"}},
}
