package matchtest

// country is where a company sits: its share in a hundred, its people, how its addresses, phone numbers and legal forms look.
type country struct {
	iso2     string
	spelling []string // how forms say it
	share    int
	people   culture
	forms    []string // legal forms; the first ones are the most frequent
	tld      string
	arm      []string // how a subsidiary in the country is called
	calling  string
	trunk    string   // what stands before the area code within the country
	areas    []string // area codes, one per city
	digits   int      // of a subscriber number
	lead     string   // its first digit is one of these
	mobile   []string // prefixes
	mobiles  int      // digits behind the prefix
	cities   []string
	regions  []string // by city; empty if not used
	post     string   // pattern of a postcode: # is a digit, @ a letter; the first digits are the city's
	streets  []string // patterns: % is the number
}

var countries = []country{
	{
		iso2: "US", spelling: []string{"US", "USA", "United States", "U.S.A."}, share: 36, people: english,
		forms: []string{"Inc.", "LLC", "Corp.", "Inc", "Corporation", "Co.", "Company", "L.P."}, tld: "com", arm: []string{"USA", "America", "North America"},
		calling: "+1", areas: words("212 312 415 512 617 206 303 404"), digits: 7, lead: "23456789", mobile: words("917 773 628 737 857 425 720 678"), mobiles: 7,
		cities: []string{"New York", "Chicago", "San Francisco", "Austin", "Boston", "Seattle", "Denver", "Atlanta"}, regions: words("NY IL CA TX MA WA CO GA"),
		post: "#####", streets: []string{"% Main Street", "% Market St", "% Park Avenue", "% Oak Drive", "% Industrial Blvd", "% Lakeview Road"},
	},
	{
		iso2: "GB", spelling: []string{"GB", "UK", "United Kingdom", "England"}, share: 10, people: english,
		forms: []string{"Ltd", "Limited", "PLC", "LLP", "Ltd."}, tld: "co.uk", arm: []string{"UK", "Europe", "(UK)"},
		calling: "+44", trunk: "0", areas: words("207 161 121 113"), digits: 7, lead: "234", mobile: words("74 75 77 78"), mobiles: 8,
		cities: []string{"London", "Manchester", "Birmingham", "Leeds"}, post: "@@# #@@", streets: []string{"% High Street", "% Station Road", "% Victoria Road", "% Church Lane"},
	},
	{
		iso2: "DE", spelling: []string{"DE", "Germany", "Deutschland", "GER"}, share: 12, people: german,
		forms: []string{"GmbH", "AG", "GmbH & Co. KG", "KG", "SE", "UG (haftungsbeschränkt)"}, tld: "de", arm: []string{"Deutschland", "Germany", "DACH"},
		calling: "+49", trunk: "0", areas: words("30 89 40 69 221 711"), digits: 7, lead: "23456789", mobile: words("151 160 170 172"), mobiles: 8,
		cities: []string{"Berlin", "München", "Hamburg", "Frankfurt am Main", "Köln", "Stuttgart"}, post: "#####",
		streets: []string{"Hauptstraße %", "Bahnhofstr. %", "Gartenweg %", "Industriestraße %", "Am Mühlbach %"},
	},
	{
		iso2: "AT", spelling: []string{"AT", "Austria", "Österreich"}, share: 2, people: german, forms: []string{"GmbH", "AG", "KG", "e.U."}, tld: "at", arm: []string{"Austria", "Österreich"},
		calling: "+43", trunk: "0", areas: words("1"), digits: 7, lead: "2345678", mobile: words("664 676"), mobiles: 7,
		cities: []string{"Wien"}, post: "####", streets: []string{"Hauptplatz %", "Ringstraße %", "Wiener Straße %"},
	},
	{
		iso2: "CH", spelling: []string{"CH", "Switzerland", "Schweiz"}, share: 2, people: german, forms: []string{"AG", "GmbH", "SA"}, tld: "ch", arm: []string{"Schweiz", "Suisse"},
		calling: "+41", trunk: "0", areas: words("44 31 61"), digits: 7, lead: "2345678", mobile: words("76 78 79"), mobiles: 7,
		cities: []string{"Zürich", "Bern", "Basel"}, post: "####", streets: []string{"Bahnhofstrasse %", "Seestrasse %", "Marktgasse %"},
	},
	{
		iso2: "FR", spelling: []string{"FR", "France"}, share: 8, people: french, forms: []string{"SAS", "SARL", "SA", "S.A.S.", "EURL"}, tld: "fr", arm: []string{"France"},
		calling: "+33", trunk: "0", areas: words("1 4 5"), digits: 8, lead: "45", mobile: words("6"), mobiles: 8,
		cities: []string{"Paris", "Lyon", "Toulouse"}, post: "#####", streets: []string{"% rue de la République", "% avenue Victor Hugo", "% boulevard Saint-Michel", "% place du Marché"},
	},
	{
		iso2: "ES", spelling: []string{"ES", "Spain", "España"}, share: 5, people: spanish, forms: []string{"S.L.", "S.A.", "SL", "S.L.U."}, tld: "es", arm: []string{"España", "Iberia"},
		calling: "+34", areas: words("91 93 96"), digits: 7, lead: "234", mobile: words("61 65 67"), mobiles: 7,
		cities: []string{"Madrid", "Barcelona", "Valencia"}, post: "#####", streets: []string{"Calle Mayor %", "Avenida de la Constitución %", "Calle de Alcalá, %"},
	},
	{
		iso2: "MX", spelling: []string{"MX", "Mexico", "México"}, share: 2, people: spanish, forms: []string{"S.A. de C.V.", "S. de R.L. de C.V.", "SA de CV"}, tld: "com.mx", arm: []string{"México", "LATAM"},
		calling: "+52", areas: words("55 33 81"), digits: 8, lead: "2345", mobile: words("656 664 998"), mobiles: 7,
		cities: []string{"Ciudad de México", "Guadalajara", "Monterrey"}, post: "#####", streets: []string{"Av. Reforma %", "Calle Juárez %", "Insurgentes Sur %"},
	},
	{
		iso2: "IT", spelling: []string{"IT", "Italy", "Italia"}, share: 5, people: italian, forms: []string{"S.r.l.", "S.p.A.", "Srl", "SpA", "S.n.c."}, tld: "it", arm: []string{"Italia", "Italy"},
		calling: "+39", areas: words("02 06 011"), digits: 7, lead: "23456789", mobile: words("335 347 348"), mobiles: 7,
		cities: []string{"Milano", "Roma", "Torino"}, post: "#####", streets: []string{"Via Roma %", "Corso Italia %", "Viale Garibaldi, %"},
	},
	{
		iso2: "BR", spelling: []string{"BR", "Brazil", "Brasil"}, share: 3, people: portuguese, forms: []string{"Ltda", "S.A.", "Ltda.", "S/A"}, tld: "com.br", arm: []string{"Brasil", "Brazil"},
		calling: "+55", areas: words("11 21 31"), digits: 8, lead: "34", mobile: words("119 219 319"), mobiles: 8,
		cities: []string{"São Paulo", "Rio de Janeiro", "Belo Horizonte"}, post: "#####-###", streets: []string{"Av. Paulista, %", "Rua das Flores, %", "Rua XV de Novembro, %"},
	},
	{
		iso2: "NL", spelling: []string{"NL", "Netherlands", "Nederland", "The Netherlands"}, share: 4, people: dutch, forms: []string{"B.V.", "BV", "N.V.", "V.O.F."}, tld: "nl", arm: []string{"Nederland", "Benelux"},
		calling: "+31", trunk: "0", areas: words("20 10 30"), digits: 7, lead: "23456789", mobile: words("61 62 63 64"), mobiles: 7,
		cities: []string{"Amsterdam", "Rotterdam", "Utrecht"}, post: "#### @@", streets: []string{"Kerkstraat %", "Stationsweg %", "Hoofdstraat %"},
	},
	{
		iso2: "SE", spelling: []string{"SE", "Sweden", "Sverige"}, share: 3, people: nordic, forms: []string{"AB", "Aktiebolag", "HB"}, tld: "se", arm: []string{"Sverige", "Nordic"},
		calling: "+46", trunk: "0", areas: words("8"), digits: 7, lead: "4567", mobile: words("70 73"), mobiles: 7,
		cities: []string{"Stockholm"}, post: "### ##", streets: []string{"Storgatan %", "Kungsgatan %", "Drottninggatan %"},
	},
	{
		iso2: "PL", spelling: []string{"PL", "Poland", "Polska"}, share: 3, people: polish, forms: []string{"Sp. z o.o.", "S.A.", "sp. z o.o. sp.k.", "Sp. j."}, tld: "pl", arm: []string{"Polska", "Poland"},
		calling: "+48", areas: words("22 12 71"), digits: 7, lead: "2345678", mobile: words("50 60 69"), mobiles: 7,
		cities: []string{"Warszawa", "Kraków", "Wrocław"}, post: "##-###", streets: []string{"ul. Długa %", "ul. Polna %", "al. Jerozolimskie %"},
	},
	{
		iso2: "TR", spelling: []string{"TR", "Turkey", "Türkiye"}, share: 1, people: turkish, forms: []string{"A.Ş.", "Ltd. Şti.", "AŞ"}, tld: "com.tr", arm: []string{"Türkiye"},
		calling: "+90", trunk: "0", areas: words("212 312 232"), digits: 7, lead: "2345", mobile: words("532 542 505"), mobiles: 7,
		cities: []string{"İstanbul", "Ankara", "İzmir"}, post: "#####", streets: []string{"Atatürk Caddesi No:%", "İstiklal Cad. %", "Cumhuriyet Bulvarı %"},
	},
	{
		iso2: "IN", spelling: []string{"IN", "India"}, share: 3, people: indian, forms: []string{"Pvt. Ltd.", "Private Limited", "Ltd", "LLP"}, tld: "in", arm: []string{"India", "APAC"},
		calling: "+91", trunk: "0", areas: words("22 11 80"), digits: 8, lead: "24", mobile: words("98 97 99"), mobiles: 8,
		cities: []string{"Mumbai", "New Delhi", "Bengaluru"}, post: "######", streets: []string{"%, MG Road", "%, Station Road", "Plot %, Industrial Area"},
	},
	{
		iso2: "JP", spelling: []string{"JP", "Japan"}, share: 1, people: japanese, forms: []string{"Co., Ltd.", "K.K.", "Inc."}, tld: "co.jp", arm: []string{"Japan"},
		calling: "+81", trunk: "0", areas: words("3 6"), digits: 8, lead: "3456", mobile: words("90 80"), mobiles: 8,
		cities: []string{"Tokyo", "Osaka"}, post: "###-####", streets: []string{"% Chuo", "% Minato", "% Honmachi"},
	},
}
