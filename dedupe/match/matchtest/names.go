package matchtest

import "strings"

// culture is where names come from. Surnames are either well known, most of them often, or joined of a stem and an ending, so that there are
// enough of them.
type culture struct {
	male, female []string
	surnames     []string
	stems, ends  []string
	// trades make the names of family firms: "Schneider Logistik".
	trades []string
}

// words splits a list; an underscore stands for a space within a word.
func words(s string) []string {
	all := strings.Fields(s)
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "_", " ")
	}
	return all
}

// nicknames by given name, in the cultures that have them. Made for the generator, so that a matcher is not tested with its own table alone.
var nicknames = map[string][]string{
	"William": {"Bill", "Will", "Billy"}, "Robert": {"Bob", "Rob", "Bobby"}, "Richard": {"Rick", "Rich"}, "James": {"Jim", "Jimmy"},
	"Michael": {"Mike", "Mick"}, "Thomas": {"Tom"}, "Christopher": {"Chris"}, "Daniel": {"Dan", "Danny"}, "Matthew": {"Matt"},
	"Anthony": {"Tony"}, "Joseph": {"Joe"}, "Andrew": {"Andy", "Drew"}, "Edward": {"Ed", "Ted"}, "Charles": {"Chuck", "Charlie"},
	"Benjamin": {"Ben"}, "Nicholas": {"Nick"}, "Jonathan": {"Jon"}, "Stephen": {"Steve"}, "Timothy": {"Tim"}, "Gregory": {"Greg"},
	"Kenneth": {"Ken"}, "Lawrence": {"Larry"}, "Samuel": {"Sam"}, "David": {"Dave"}, "Jeffrey": {"Jeff"}, "Alexander": {"Alex"},
	"Elizabeth": {"Liz", "Beth", "Betty"}, "Margaret": {"Maggie", "Peggy"}, "Katherine": {"Kate", "Kathy"}, "Jennifer": {"Jen", "Jenny"},
	"Patricia": {"Pat", "Trish"}, "Susan": {"Sue"}, "Deborah": {"Deb", "Debbie"}, "Samantha": {"Sam"}, "Rebecca": {"Becky"},
	"Victoria": {"Vicky"}, "Jessica": {"Jess"}, "Stephanie": {"Steph"}, "Pamela": {"Pam"}, "Cynthia": {"Cindy"}, "Barbara": {"Barb"},
	"Johannes": {"Hannes", "Hans"}, "Maximilian": {"Max"}, "Andreas": {"Andi"}, "Katharina": {"Kathi"}, "Alexandra": {"Alex"},
	"Francisco": {"Paco"}, "José": {"Pepe"}, "Manuel": {"Manolo"}, "Ignacio": {"Nacho"}, "Dolores": {"Lola"}, "Alejandro": {"Alex"},
	"Giuseppe": {"Beppe"}, "Alessandro": {"Sandro"}, "Giovanni": {"Gianni"}, "Katarzyna": {"Kasia"}, "Małgorzata": {"Gosia"},
	"Krzysztof": {"Krzysiek"}, "Willem": {"Wim"}, "Frederik": {"Fred"}, "Karl": {"Kalle"}, "Margareta": {"Greta"}, "Mehmet": {"Memo"},
}

var (
	english = culture{
		male: words(`James Robert John Michael David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony Mark Donald Steven
			Andrew Paul Joshua Kenneth Kevin Brian George Timothy Ronald Jason Edward Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan Stephen
			Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Frank Raymond Jack Dennis Lawrence`),
		female: words(`Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra Betty Ashley Emily Kimberly
			Margaret Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Dorothy Amy Kathleen Angela Shirley
			Emma Brenda Pamela Nicole Anna Samantha Katherine Christine Helen Rachel Carolyn Janet Maria Catherine Heather Victoria`),
		surnames: words(`Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Thomas Moore Martin Jackson Thompson White Harris
			Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson Hall Campbell Mitchell Carter Roberts
			O'Brien McDonald O'Connor Smith-Jones Stewart Murphy Cook Rogers Morgan Cooper Peterson Reed Bailey Bell Kelly Howard Ward Cox`),
		stems: words(`Ash Beck Black Bland Brad Bux Cald Chat Clay Crom Dal Den Dun East Ells Fair Garf Glad Hal Hart Hather Ken Lang Lind Lock
			Mar Mel Nor Oak Pem Rad Red Rush Shel Stan Sut Thorn Wake West Win`),
		ends:   words(`ton ford ley wood field worth wick well ham berry more man by stone shaw land croft bury hurst dale`),
		trades: words(`Engineering Logistics Construction Consulting Manufacturing Insurance Printing Foods Motors Plumbing Supplies Architects`),
	}
	german = culture{
		male: words(`Thomas Michael Andreas Peter Stefan Christian Hans Klaus Jürgen Wolfgang Günter Martin Frank Bernd Uwe Markus Matthias Jörg
			Ralf Dieter Maximilian Johannes Lukas Tobias Florian Sebastian Jan Philipp Jens Holger Björn Götz Rüdiger Sören Karl-Heinz Felix Paul`),
		female: words(`Sabine Petra Monika Susanne Claudia Birgit Andrea Karin Ursula Brigitte Katharina Julia Anna Christine Stefanie Nicole Ute
			Heike Angelika Renate Jutta Gisela Anke Silke Kerstin Käthe Zoë Lena Franziska Jana Alexandra Bärbel Ann-Kathrin Elke Marie Sophie`),
		surnames: words(`Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder
			Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier Lehmann Schmid Schulze Maier Köhler
			Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Groß Vogel`),
		stems: words(`Alt Berg Birk Brand Brei Burg Dorn Eber Eich Engel Falk Feld Freu Grün Hag Heil Holz Kalt Kirch Lind Mühl Nieder Ober Rein
			Rosen Sand Schön Stein Strau Tann Uhl Wald Weid Wein Wild Ziegel`),
		ends:   words(`mann berger meier bach hauer inger ner mayr feld stein hofer ler kamp brink huber eck thaler städt`),
		trades: words(`Logistik Maschinenbau Elektrotechnik Bau Metallbau Versicherungen Druck Lebensmittel Spedition Anlagenbau Gebäudetechnik`),
	}
	french = culture{
		male: words(`Jean Pierre Michel Philippe Alain Nicolas Christophe Patrick Laurent Frédéric Stéphane Olivier Julien Sébastien François Éric
			Jérôme Guillaume Thierry Benoît Rémi Loïc Antoine Maxime Jean-Luc Jean-Pierre Hervé Gaël Théo Hugo Étienne Mathieu`),
		female: words(`Marie Nathalie Isabelle Sylvie Catherine Françoise Valérie Christine Sophie Céline Hélène Aurélie Émilie Camille Chloé Léa
			Anne-Sophie Véronique Sandrine Élodie Mélanie Laëtitia Noémie Claire Julie Manon Agnès Béatrice Inès Juliette`),
		surnames: words(`Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia Bertrand Roux
			Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François Martinez Legrand Garnier Faure Rousseau Blanc
			Guérin Muller Henry Roussel Perrin Gauthier Chevalier Lemaître Côté Hébert`),
		stems:  words(`Bar Beau Bel Bois Bou Bri Car Chan Cha Cor Dal Del Des Du Fon Gal Gau Jo Lan Mar Mon Pel Per Ray Ri Rou Saint Val Vil`),
		ends:   words(`nier chard tier mont ville val rand zier lin det geot bert neau thier quet lard sier vreau dière`),
		trades: words(`Transports Bâtiment Conseil Énergie Menuiserie Assurances Mécanique Électricité Imprimerie Boulangerie`),
	}
	spanish = culture{
		male: words(`Antonio José Manuel Francisco Juan David Javier Daniel Carlos Jesús Alejandro Miguel Rafael Pedro Ángel Pablo Sergio Fernando
			Luis Jorge Alberto Álvaro Adrián Diego Raúl Iván Rubén Óscar Enrique Ramón Vicente Andrés Ignacio Víctor Martín José-Luis`),
		female: words(`María Carmen Ana Isabel Dolores Pilar Josefa Teresa Rosa Antonia Cristina Laura Elena Marta Lucía Mercedes Francisca Sara
			Raquel Paula Beatriz Rocío Begoña Ángela Sofía Mónica Inés Nuria Verónica Guadalupe Silvia Julia`),
		surnames: words(`García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz Moreno Muñoz
			Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco Molina Morales Suárez Ortega
			Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina Garrido Cortés Castillo Peña`),
		stems:  words(`Al Ar Bar Ber Cal Car Cas Cer Del Esco Fon Gal Guar Lan Maz Mon Mor Oli Pal Per Quin Ro Sal San Sol Tor Val Vil Zam`),
		ends:   words(`vedo teros gado bano quero lleja tilla ñez dano vares beda randa cedo tero rrero lona mera nada quera`),
		trades: words(`Construcciones Transportes Ingeniería Consultores Alimentación Seguros Instalaciones Maquinaria Viñedos`),
	}
	italian = culture{
		male: words(`Giuseppe Antonio Giovanni Mario Luigi Francesco Angelo Vincenzo Pietro Salvatore Carlo Franco Domenico Bruno Paolo Michele
			Giorgio Marco Luca Alessandro Andrea Stefano Roberto Matteo Davide Simone Federico Nicolò Lorenzo Riccardo`),
		female: words(`Maria Anna Giuseppina Rosa Angela Giovanna Teresa Lucia Carmela Caterina Francesca Laura Chiara Giulia Valentina Sara
			Alessandra Silvia Elena Martina Paola Federica Elisa Roberta Simona Ilaria Noemi Beatrice`),
		surnames: words(`Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo
			Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli Vitale
			D'Angelo D'Amico Marchetti Parisi Villa Ferretti Serra`),
		stems:  words(`Ban Bar Bel Ber Bon Cal Cam Car Cas Cer Cor Fal Fer Gar Gra Lan Mal Man Mar Mon Pal Per Pin Ron San Sar Tas Ven Zan`),
		ends:   words(`elli otti ucci ini aro etti oni acci ese ardi oldi igo ana ello azzi anti uti ella`),
		trades: words(`Costruzioni Trasporti Impianti Consulenza Meccanica Alimentari Arredamenti Tessuti Assicurazioni`),
	}
	portuguese = culture{
		male: words(`João José António Francisco Manuel Pedro Paulo Carlos Luís Lucas Gabriel Rafael Marcelo Bruno Eduardo Rodrigo Tiago Diogo
			Gonçalo Rui Nuno Márcio Fábio Sérgio Vítor Ricardo André Mateus Felipe Gustavo`),
		female: words(`Maria Ana Francisca Antónia Adriana Juliana Márcia Fernanda Patrícia Aline Sandra Camila Amanda Bruna Jéssica Letícia
			Júlia Luciana Vanessa Mariana Inês Beatriz Sofia Carolina Conceição Cláudia Renata Tânia`),
		surnames: words(`Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho Almeida Lopes Soares
			Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado Mendes Freitas Cardoso Ramos Gonçalves
			Santana Teixeira Araújo Conceição Magalhães`),
		stems:  words(`Al Ar Bar Bel Bor Bra Cal Cam Car Cas Cor Fer Fi Gal Gui Lei Lou Mal Mou Oli Pai Pin Que Re Sam Sar Tei Val Ven`),
		ends:   words(`deiro zinho ares ieira eira ães osa ado reira inho meida cado bosa gueira ência tela drade rões`),
		trades: words(`Construções Transportes Engenharia Consultoria Alimentos Seguros Indústria Comércio Máquinas`),
	}
	dutch = culture{
		male: words(`Jan Johannes Pieter Willem Hendrik Cornelis Jeroen Bas Daan Sander Maarten Wouter Ruud Joost Thijs Bram Lars Niels Tim
			Sjoerd Gijs Rik Frederik Koen Joris Martijn`),
		female: words(`Maria Johanna Anna Elisabeth Cornelia Sanne Anouk Marieke Femke Lotte Iris Eva Esther Marloes Annemarie Ilse Inge Femke
			Linda Monique Saskia Wendy Karin Roos Noor Maud`),
		surnames: words(`Jansen van_den_Berg van_Dijk de_Vries de_Boer van_der_Meer Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra Smits Kok Jacobs Vermeulen Schouten
			Willems Hoekstra Koster Prins Verhoeven Kuipers Postma Kramer Huisman Peeters Scholten Timmermans`),
		stems:  words(`Hol Kuij Lin Mid Noor Oos Rij Schol Sme Ten Uit Ver Vin Wes Zand Groe`),
		ends:   words(`huis man stra dam veld meer hoek waard kamp zoon wijk horst beek burg haar`),
		trades: words(`Transport Bouw Installatie Advies Techniek Verzekeringen Groothandel Tuinbouw`),
	}
	nordic = culture{
		male: words(`Karl Erik Lars Anders Per Johan Nils Lennart Jan Mikael Fredrik Björn Åke Göran Håkan Mats Peter Hans Bengt Stefan Magnus
			Jonas Oskar Gustav Henrik Søren Jørgen Mikkel Olav Øyvind`),
		female: words(`Anna Maria Margareta Elisabeth Eva Birgitta Kristina Karin Linnéa Marie Ingrid Åsa Malin Sofia Helena Camilla Johanna Emma
			Sara Ulla Maja Astrid Freja Mette Signe Hilde Kirsten`),
		surnames: words(`Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson Jansson Hansson
			Bengtsson Jönsson Lindberg Lindström Sjöberg Bergström Hansen Jensen Nielsen Pedersen Sørensen Rasmussen Jørgensen Møller Berg
			Haugen Dahl`),
		stems:  words(`Al Berg Björk Dal Ek Eng Fors Gran Hög Hed Holm Ång Kron Lind Lund Nor Ny Ok Rosen Sand Sjö Söder Sten Ström Vik Åker Öst`),
		ends:   words(`gren berg ström kvist qvist lund strand stedt blad dahl vall by holm man`),
		trades: words(`Bygg Transport Teknik Konsult Fastigheter El Försäkring Livsmedel`),
	}
	polish = culture{
		male: words(`Piotr Krzysztof Andrzej Tomasz Paweł Jan Michał Marcin Jakub Adam Marek Łukasz Grzegorz Mateusz Wojciech Mariusz Dariusz Zbigniew
			Maciej Rafał Robert Kamil Stanisław Sławomir`),
		female: words(`Anna Katarzyna Maria Małgorzata Agnieszka Barbara Ewa Krystyna Magdalena Elżbieta Joanna Aleksandra Zofia Monika Teresa Danuta
			Natalia Karolina Marta Julia Beata Dorota Jolanta Bożena`),
		surnames: words(`Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jankowski Mazur
			Kwiatkowski Krawczyk Piotrowski Grabowski Nowakowski Pawłowski Michalski Adamczyk Dudek Zając Wieczorek Jabłoński Król Majewski`),
		stems:  words(`Bar Bia Bor Brzo Chmie Cie Czar Dob Gra Jab Jar Kal Kor Kra Lip Mal Ma Mier Olszew Ost Paw Pie Ra Sa Sko Sta Tar Wil Za Zbo`),
		ends:   words(`ński ecki owski icki czyk iak alski anek ewicz icz lak ła cka rski`),
		trades: words(`Transport Budowa Logistyka Doradztwo Technika Ubezpieczenia Meble`),
	}
	turkish = culture{
		male: words(`Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim İsmail Osman Yusuf Murat Ömer Ramazan Halil Süleyman Abdullah Mahmut Emre Burak
			Özgür Can Kerem Tolga Serkan`),
		female: words(`Fatma Ayşe Emine Hatice Zeynep Elif Meryem Şerife Zehra Sultan Hanife Merve Havva Büşra Özlem Esra Gül Yasemin Selin Ebru
			Derya Çiğdem Pınar Sibel`),
		surnames: words(`Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek
			Polat Korkmaz Çakır Erdoğan Güneş Aksoy Bulut`),
		stems:  words(`Ak Al Ay Bal Bay Boz Dağ Dur Er Gök Gül Güm İn Kara Kır Koç Öz Sarı Ser Tan Taş Tek Top Tür Uz Yal Yeş Yük`),
		ends:   words(`soy kan taş türk demir oğlu han göz bulut tepe er çelik bey dağ`),
		trades: words(`Lojistik İnşaat Danışmanlık Tekstil Gıda Sigorta Makina`),
	}
	indian = culture{
		male: words(`Rahul Amit Rajesh Sanjay Vijay Anil Sunil Suresh Ramesh Arjun Rohit Vikram Ashok Manoj Deepak Karthik Aditya Nikhil Arun
			Prakash Mohammed Imran Harish Siddharth Gaurav Vivek`),
		female: words(`Priya Anjali Pooja Sunita Neha Kavita Deepa Lakshmi Meera Divya Swati Rekha Anita Shweta Nisha Ritu Sneha Asha Geeta Radha
			Aishwarya Fatima Shreya Nandini`),
		surnames: words(`Sharma Patel Singh Kumar Gupta Verma Reddy Nair Iyer Rao Joshi Mehta Shah Desai Kulkarni Menon Pillai Das Bose Chatterjee
			Banerjee Mukherjee Agarwal Mishra Pandey Chopra Kapoor Malhotra Khan Naidu`),
		stems:  words(`Achar Bal Bhar Chan Deva Dinesh Gan Gopal Hari Jaga Kri Lak Mahal Mani Nara Pad Rama Ravi Sada Sri Sub Sun Ven Vis Ya`),
		ends:   words(`murthy kar wala nathan swamy lingam raju dev ndra pathi nandan kumar appa than an`),
		trades: words(`Industries Textiles Exports Infotech Pharma Logistics Steel`),
	}
	japanese = culture{
		male: words(`Hiroshi Takashi Kenji Makoto Satoshi Yutaka Kazuo Akira Naoki Daisuke Kenta Sho Ryota Yuki Takeshi Shinji Koji Masaru Osamu
			Haruto Ren Yuto Kaito`),
		female: words(`Yoko Keiko Kazuko Sachiko Yumi Naomi Akiko Tomoko Emi Ayumi Misaki Yuka Sakura Haruka Aoi Hina Mai Rie Noriko Kumiko Megumi`),
		surnames: words(`Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Yamaguchi Matsumoto Inoue
			Kimura Hayashi Shimizu Saito Mori Abe Ikeda Hashimoto Ishikawa Ogawa`),
		stems:  words(`Ao Asa Fuji Fuku Furu Hama Hara Hiro Ima Iwa Kami Kawa Kita Kuro Matsu Mina Miya Mura Naga Naka Nishi Ono Oka Shi Taka Yoshi`),
		ends:   words(`moto da kawa mura yama no shima saki hara zawa bashi guchi ta hashi oka`),
		trades: words(`Seisakusho Kogyo Shoji Denki Kensetsu Sangyo Butsuryu`),
	}
)
